package lint

import (
	"slices"

	"github.com/mkinitfs/mkinitfs/builder/image"
)

// ReaderRules returns the rows for the findings of the reader. The severity of a row speaks of a
// boot, [image.Severity] of the commands that read images.
func ReaderRules() []Rule {
	const rewrite = "write the archive again with mkinitfs or with another writer of newc"
	const order = "change the order of the archives, or take one of the two entries out"
	const again = "build the image again"
	const field = "make the file again with this field corrected"
	row := func(code string, severity Severity, sentence, cure string) Rule {
		return Rule{Code: code, Severity: severity, Sentence: sentence, Cure: cure}
	}
	parent := row("parent-missing", Error, "The directory that an entry is in has no entry before it, so the kernel drops the entry.",
		"add entries for all parent directories")
	parent.Appended = Note
	return []Rule{
		row("name-empty", Error, "The kernel drops an entry without a name.", rewrite),
		row("name-too-long", Error, "The kernel drops an entry with a name of more than 4095 bytes, or of more than 255 between two slashes.", "shorten the name"),
		row("name-not-a-file", Error, "The kernel drops an entry with a name that only a directory can have.", rewrite),
		row("target-too-long", Error, "The kernel drops a symbolic link with a target of more than 4095 bytes.", "shorten the target"),
		row("target-empty", Warning, "The kernel makes a symbolic link without a target.", "take the link out, or give it a target"),
		row("stray-body", Error, "The kernel drops an entry that has a content and is neither a file nor a symbolic link.", rewrite),
		row("type-unknown", Error, "The kernel drops an entry without a file type, and removes what was at its path.", rewrite),
		parent,
		row("parents-missing", Error, "More directories are missing than any root has directories.", rewrite),
		row("parent-link-to-nothing", Error, "The kernel drops an entry whose path leads through a symbolic link to nothing.", "add the target of the link"),
		row("parent-not-a-directory", Error, "The kernel drops an entry whose path leads through something that is not a directory.", order),
		row("parent-loop", Error, "The kernel drops an entry whose path leads through more than 40 symbolic links.", "mend the links"),
		row("directory-in-the-way", Error, "The kernel drops an entry because a directory that is not empty is at its path.", order),
		row("overwritten", Warning, "A later entry overwrites an entry.", order),
		row("device-number-stays", Warning, "A device node keeps the number of an earlier entry.", order),
		row("link-target-gone", Error, "The kernel drops a hard link because its file is gone.", order),
		row("link-differs", Note, "A further name of a file gives it another mode, owner or time.", rewrite),
		row("cut", Error, "The image ends in the middle of an entry.", again),
		row("gzip-sum", Warning, "A gzip stream is damaged, which the kernel does not notice.", again),
		row("flash-tail", Warning, "Erased flash (0xff) is behind the last archive, at which the kernel complains.", "give the boot loader the size of the image"),
		row("codec-config", Warning, "Only kernels with a certain option unpack a stream.", "build the kernel with the option, or compress with gzip"),
		row("codec-version", Warning, "Only kernels from a certain release on unpack a stream.", "compress with gzip"),
		row("codec-refused", Error, "No kernel unpacks a stream.", "compress with gzip, or as the reference of the codec in mkinitfs does"),
		row("codec-unchecked", Note, "A stream has no checksum, so damage to it goes unseen.", "compress with a checksum that the kernel knows"),
		row("envelope-tail", Warning, "The boot loader does not read bytes behind its file.", field),
		row("fit-os", Error, "U-Boot does not load a ramdisk for another system.", field),
		row("fit-compression", Warning, "U-Boot warns of a compressed ramdisk and passes it on as it is.", field),
		row("fit-hash-ignored", Warning, "U-Boot does not compare a hash.", field),
		row("fit-hash-unknown", Note, "mkinitfs does not know a hash.", "compare it with mkimage"),
		row("fit-ramdisks", Warning, "U-Boot loads only the first of several ramdisks.", field),
		row("fit-type", Error, "U-Boot loads nothing but type = \"ramdisk\" as a ramdisk.", field),
		row("fit-no-default", Warning, "U-Boot loads a ramdisk only when it is told to.", "name it in the default configuration"),
		row("pe-section-again", Warning, "systemd-stub does not read a second section of the same name.", field),
		row("uimage-os", Error, "U-Boot loads a uImage as a ramdisk only if its os is linux.", field),
	}
}

// ofReader returns the finding for one of the reader.
func ofReader(f *image.Finding, appended bool) Finding {
	rules := ReaderRules()
	rule := find(otherFinding)
	if i := slices.IndexFunc(rules, func(r Rule) bool { return r.Code == f.Code }); i >= 0 {
		rule = rules[i]
	}
	found := rule.found("", f.String(), "")
	found.Code, found.Severity, found.Read = f.Code, rule.severity(appended), f
	return *found
}
