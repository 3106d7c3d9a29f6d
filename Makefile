# Thin on purpose: every target is a script in make/, which calls meson and the built program.
.PHONY: build test demo demo-stop demo-clean soak install clean

build:      # the optimised program, in build/
	make/build

test:       # everything that has to pass; the last line is "N passed, N failed"
	make/packages build run test
	make/test --no-packages

demo:       # PostgreSQL, connector, generated transactions and their events, until Ctrl-C
	@make/demo

demo-stop:
	@make/demo stop

demo-clean:
	@make/demo clean

soak:       # one long life under load, killed at random (SECONDS_TO_RUN=3600)
	make/soak

install: build
	meson install -C build --no-rebuild

clean:
	rm -rf build build-asan
