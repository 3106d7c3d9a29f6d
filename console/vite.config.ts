import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/* The demo answers every call itself, so asking a server for the first answer ahead of the script would only fail. */
const withoutPreload: Plugin = {
  name: 'without-preload',
  transformIndexHtml: html => html.replace(/\s*<link rel="preload"[^>]*>/, '')
};

export default defineConfig(({ mode }) => {
  const demo = mode === 'demo';
  return {
    base: '/',
    publicDir: false,
    esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
    resolve: { alias: { '#transport': here(demo ? './src/demo/transport.ts' : './src/lib/transport.ts') } },
    plugins: demo ? [withoutPreload] : [],
    define: { DEMO: JSON.stringify(demo) },
    build: {
      outDir: process.env.CONSOLE_OUT || (demo ? 'dist-demo' : 'dist'),
      emptyOutDir: true,
      target: 'es2022',
      assetsInlineLimit: 0,
      reportCompressedSize: false,
      cssCodeSplit: false,
      modulePreload: { polyfill: false },
      rollupOptions: {
        output: {
          entryFileNames: 'assets/[name]-[hash].js',
          chunkFileNames: 'assets/[name]-[hash].js',
          assetFileNames: 'assets/[name]-[hash][extname]'
        }
      }
    }
  };
});
