package main

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// environment is everything that a command gets beside its arguments.
type environment struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	lookup         func(name string) (value string, ok bool) // of environment variables

	// own says that the process runs this command only. The command may then handle signals
	// and set the garbage collector, which belong to the whole process.
	own bool
}

// processEnv returns the environment of this process.
func processEnv() environment {
	return environment{os.Stdin, os.Stdout, os.Stderr, os.LookupEnv, true}
}

// isTerminal reports whether a standard stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
