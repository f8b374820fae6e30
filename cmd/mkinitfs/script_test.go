package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/internal/cache"
	"github.com/mkinitfs/mkinitfs/internal/kmod/kmodtest"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

var update = flag.Bool("update", false, "write what the commands print into the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"mkinitfs": main,
		"maxrss":   measureMemory,
		"named":    withoutNameless,
	})
}

// TestScripts runs the scripts in testdata/script, each of which runs the command itself.
// Beside testscript's own commands they have
//
//	need TOOL...          skip the script unless these programs exist
//	status N PROGRAM ...  like exec, with exit status N wanted
//	[root]                true if the tests run as root
//	fakestub FILE         write a stub for --stub that does not depend on the version of Go
//	ko FILE KEY=VALUE...  write a kernel module for Linux 6.1.0; its exports are values of the
//	                      key export, the symbols that it needs of need
func TestScripts(t *testing.T) {
	syscall.Umask(0o022) // modes of the scripts' files end up in images
	settings := goSettings(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Values["t"] = env.T()
			// Stubs and packages compiled for another test are reused. Compressed members are
			// not.
			env.Vars = append(env.Vars, settings...)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"need":     need,
			"status":   wantStatus,
			"fakestub": fakeStub,
			"ko":       makeModule,
		},
		Condition: func(cond string) (bool, error) {
			if cond != "root" {
				return false, errors.New("unknown condition")
			}
			return os.Getuid() == 0, nil
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
	})
}

// goSettings returns the environment variables that name the caches of Go and mkinitfs. With
// another HOME both would start with empty ones.
func goSettings(t *testing.T) []string {
	t.Helper()
	settings := []string{"XDG_CACHE_HOME=" + ownCache(t), "MKINITFS_CACHE="}
	out, err := exec.Command("go", "env", "-json", "GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY").Output()
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]string
	if err := json.Unmarshal(bytes.TrimSpace(out), &values); err != nil {
		t.Fatal(err)
	}
	for name, value := range values {
		settings = append(settings, name+"="+value)
	}
	return settings
}

// ownCache makes a cache directory with the user's stubs and nothing else in it.
func ownCache(t *testing.T) string {
	t.Helper()
	own := t.TempDir()
	stubs := filepath.Join(cache.Top(os.LookupEnv), "stubs")
	err := errors.Join(
		os.MkdirAll(stubs, 0o700), os.Mkdir(filepath.Join(own, "mkinitfs"), 0o700),
		os.Symlink(stubs, filepath.Join(own, "mkinitfs", "stubs")),
	)
	if err != nil {
		t.Fatal(err)
	}
	return own
}

func need(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: need TOOL...")
	}
	for _, tool := range args {
		testenv.Tool(ts.Value("t").(testing.TB), tool)
	}
}

func wantStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("got exit status %d, want %d", got, want)
	}
}

func fakeStub(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: fakestub FILE")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), emptyProgram(elf.EM_X86_64), 0o755))
}

func makeModule(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: ko FILE KEY=VALUE...")
	}
	m := kmodtest.Module{Info: []string{"vermagic=6.1.0 SMP mod_unload"}}
	for _, arg := range args[1:] {
		switch key, value, _ := strings.Cut(arg, "="); key {
		case "export":
			m.Exports = append(m.Exports, value)
		case "need":
			m.Needs = append(m.Needs, value)
		case "vermagic":
			m.Info[0] = arg
		default:
			m.Info = append(m.Info, arg)
		}
	}
	file := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(file), 0o777))
	ts.Check(os.WriteFile(file, kmodtest.Make(m), 0o666))
}

// emptyProgram returns the header of an ELF program and the text that marks a stub. The build
// checks no more of a stub.
func emptyProgram(machine elf.Machine) []byte {
	ident := [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)}
	var header any = &elf.Header64{
		Ident: ident, Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT),
	}
	if machine == elf.EM_386 {
		ident[elf.EI_CLASS] = byte(elf.ELFCLASS32)
		header = &elf.Header32{
			Ident: ident, Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT),
		}
	}
	var b bytes.Buffer
	binary.Write(&b, binary.LittleEndian, header)
	b.WriteString("/" + bootplan.Path)
	return b.Bytes()
}
