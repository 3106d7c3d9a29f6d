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
    /* h() with its children as arguments packs smaller than jsx() with them as a property. */
    esbuild: { jsx: 'transform', jsxFactory: '$h', jsxFragment: '$F', jsxInject: "import { h as $h, Fragment as $F } from 'preact'" },
    resolve: { alias: { '#transport': here(demo ? './src/demo/transport.ts' : './src/lib/transport.ts') } },
    plugins: demo ? [withoutPreload] : [],
    define: { DEMO: JSON.stringify(demo) },
    build: {
      outDir: process.env.CONSOLE_OUT || (demo ? 'dist-demo' : 'dist'),
      emptyOutDir: true,
      target: 'es2022',
      minify: 'terser',
      terserOptions: { module: true, ecma: 2020, compress: { passes: 2 } },
      assetsInlineLimit: 0,
      reportCompressedSize: false,
      cssCodeSplit: false,
      modulePreload: { polyfill: false },
      rollupOptions: {
        output: {
          experimentalMinChunkSize: 3000,
          entryFileNames: 'assets/[name]-[hash].js',
          chunkFileNames: 'assets/[name]-[hash].js',
          assetFileNames: 'assets/[name]-[hash][extname]'
        }
      }
    }
  };
});
