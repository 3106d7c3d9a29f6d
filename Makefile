# Thin on purpose: every target is a script in make/ or a meson call.
.PHONY: build test demo demo-stop demo-clean soak install clean

build:
	make/build

install: build
	meson install -C build --no-rebuild

clean:
	rm -rf build build-asan
