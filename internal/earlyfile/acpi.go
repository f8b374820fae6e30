package earlyfile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Tables is where the kernel looks for ACPI tables (acpi_table_upgrade in drivers/acpi/tables.c).
const Tables = "kernel/firmware/acpi/"

// MaxTables is how many ACPI tables the kernel takes (NR_ACPI_INITRD_TABLES).
const MaxTables = 64

const acpiHeader = 36

// Table checks an ACPI table as the kernel does, and returns its signature.
func Table(data []byte) (signature string, err error) {
	switch {
	case len(data) == 0:
		return "", errors.New("empty file")
	case !signed(data):
		return "", fmt.Errorf("no ACPI table: begins with %q", data[:min(len(data), 8)])
	case len(data) < acpiHeader:
		return "", fmt.Errorf("no ACPI table: want a header of %d bytes, got %d bytes", acpiHeader, len(data))
	}
	signature = string(data[:4])
	if size := word(data[4:]); uint64(size) != uint64(len(data)) {
		return "", fmt.Errorf("ACPI table %s: the header says %d bytes, the file has %d", signature, size, len(data))
	}
	total := byte(0)
	for _, b := range data {
		total += b
	}
	if total != 0 {
		return "", fmt.Errorf("ACPI table %s: wrong checksum", signature)
	}
	return signature, nil
}

// signed reports whether data begins like a signature: ASF! or DBG2, for instance.
func signed(data []byte) bool {
	for i, b := range data[:min(len(data), 4)] {
		if (b < 'A' || b > 'Z') && (i == 0 || b != '!' && (b < '0' || b > '9')) {
			return false
		}
	}
	return true
}

// Upgradable reports whether the newest kernels take a table with a signature (table_sigs). Their
// list only grows.
func Upgradable(signature string) bool {
	return slices.Contains(strings.Fields(signatureList), signature)
}

const signatureList = "BERT BGRT CPEP ECDT EINJ ERST HEST APIC MSCT SBST SLIT SRAT ASF! BOOT DBGP DMAR HPET IBFT IVRS MCFG MCHI " +
	"SLIC SPCR SPMI TCPA UEFI WAET WDAT WDDT WDRT DSDT FACP PSDT RSDT XSDT SSDT IORT NFIT HMAT PPTT NHLT AEST CEDT AGDI NBFT SWFT MPAM KEYP"
