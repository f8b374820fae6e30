#!/bin/sh
# Fuzz each target of the module: fuzz.sh [DURATION]. It fails if one finds a fault, and
# if one had fewer than 1,000 executions: that target hangs, or is too slow to find any.
set -eu

duration=${1:-1m}
least=1000
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# "go test -list" prints the targets of a package, and then its closing line.
go test -list '^Fuzz' ./... >"$work/list"
awk '/^Fuzz/ { names[n++] = $1 } /^ok/ { for (i = 0; i < n; i++) print $2, names[i]; n = 0 }' "$work/list" >"$work/targets"
if [ ! -s "$work/targets" ]; then
	echo "fuzz.sh: no target found" >&2
	exit 1
fi

status=0
while read -r package target; do
	echo "fuzzing $package $target for $duration"
	# Making each new input small, as it is done for a minute otherwise, finds nothing.
	if ! go test -run '^$' -fuzz "^$target\$" -fuzzminimizetime 10x -fuzztime "$duration" "$package" >"$work/log" 2>&1; then
		cat "$work/log"
		status=1
		continue
	fi
	executions=$(sed -n 's/^fuzz: elapsed: .*, execs: \([0-9]*\) .*/\1/p' "$work/log" | tail -n 1)
	echo "  ${executions:-0} executions"
	if [ "${executions:-0}" -lt $least ]; then
		cat "$work/log"
		echo "fuzz.sh: $package $target: ${executions:-0} executions in $duration, want $least at least" >&2
		status=1
	fi
done <"$work/targets"
exit $status
