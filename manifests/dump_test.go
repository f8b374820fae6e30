package manifests

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// dump writes v as indented text, without fields that are zero.
func dump(v any) string {
	var b strings.Builder
	dumpFields(&b, reflect.ValueOf(v).Elem(), "")
	return b.String()
}

func dumpFields(b *strings.Builder, v reflect.Value, indent string) {
	for i := range v.NumField() {
		switch field := v.Type().Field(i); {
		case v.Field(i).IsZero():
		case field.Anonymous:
			dumpFields(b, v.Field(i), indent)
		default:
			dumpValue(b, field.Name, v.Field(i), indent)
		}
	}
}

func dumpValue(b *strings.Builder, name string, v reflect.Value, indent string) {
	content, isContent := v.Interface().(Content)
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch value := v.Interface().(type) {
	case Pos:
		fmt.Fprintf(b, "%s%s %d:%d\n", indent, name, value.Line, value.Col)
		return
	case time.Time:
		fmt.Fprintf(b, "%s%s %s\n", indent, name, value.Format(time.RFC3339))
		return
	}
	switch {
	case v.Kind() == reflect.Struct:
		fmt.Fprintf(b, "%s%s\n", indent, name)
		if isContent {
			fmt.Fprintf(b, "%s  Type %q\n", indent, content.Type())
		}
		dumpFields(b, v, indent+"  ")
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			dumpValue(b, name, v.Index(i), indent)
		}
	case v.Kind() == reflect.String, v.Kind() == reflect.Map:
		fmt.Fprintf(b, "%s%s %q\n", indent, name, v)
	case strings.HasSuffix(name, "Mode"):
		fmt.Fprintf(b, "%s%s %04o\n", indent, name, v.Uint())
	default:
		fmt.Fprintf(b, "%s%s %v\n", indent, name, v)
	}
}
