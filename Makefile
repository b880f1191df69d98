# Every target runs the same step of .ci/run that CI runs; see `make help`.
#
#   make ci                  all steps, as CI runs them
#   make fuzz FUZZTIME=1m    each fuzz target for a minute

export FUZZTIME ?= 5s

STEPS := fmt vet lint tidy test race nested fuzz bench examples readme vuln

.PHONY: help ci format tools clean $(STEPS)

help:
	@bash .ci/run help

ci:
	@bash .ci/run

$(STEPS):
	@bash .ci/run $@

# Rewrites the files that `make fmt` and `make lint` call badly formatted.
format: tools
	.tools/golangci-lint fmt

# Builds golangci-lint, govulncheck and benchstat at the versions pinned in
# tools/go.mod into .tools/.
tools:
	cd tools && GOWORK=off CGO_ENABLED=0 go build -o ../.tools/ tool

clean:
	rm -rf .tools
