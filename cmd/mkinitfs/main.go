// Command mkinitfs builds initramfs images from a YAML manifest, and boots, lists
// and checks them. Each of its commands is one file here, which turns flags into a
// call of the library and the result into words.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], processEnv()))
}
