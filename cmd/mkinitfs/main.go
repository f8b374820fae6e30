// Command mkinitfs builds initramfs images from a YAML manifest, and boots, lists and checks
// them. Each command is one file here. It turns flags into a call of the library, and prints
// the result.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], processEnv()))
}
