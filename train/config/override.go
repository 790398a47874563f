package config

import (
	"fmt"
	"strings"
)

// readEnvironment takes the variables that begin with the name of a section.
// Others of the prefix (OPENCARBON_DATA) are not keys.
func readEnvironment(environ []string) *reader {
	byVariable := map[string]*spec{}
	for _, s := range root.leaves() {
		byVariable[variable(s.key)] = s
	}
	out := &reader{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, EnvPrefix) {
			continue
		}
		r := &reader{origin: fromEnvironment, listText: true, place: func(int) string { return "environment variable " + name }}
		s := byVariable[name]
		if s == nil {
			for _, section := range root.order {
				if strings.HasPrefix(name, variable(section)+"_") && root.children[section].children != nil {
					key := section + "." + strings.ToLower(strings.TrimPrefix(name, variable(section)+"_"))
					remedy := unknownRemedy(key, root.children[section])
					if near := nearest(key); near != "" {
						remedy = "Did you mean " + variable(near) + "?"
					}
					r.problems = append(r.problems, problem{r.place(0), "sets no key", remedy})
				}
			}
		} else {
			r.text(value, s)
		}
		out.leaves = append(out.leaves, r.leaves...)
		out.problems = append(out.problems, r.problems...)
	}
	return out
}

func variable(key string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// readOverrides takes "key=value" texts.
func readOverrides(overrides []string) *reader {
	out := &reader{}
	for _, o := range overrides {
		key, value, ok := strings.Cut(o, "=")
		key = strings.TrimSpace(key)
		r := &reader{origin: fromSet, listText: true, place: func(int) string { return "--set " + o }}
		switch s := findWithOptions(key); {
		case !ok || key == "":
			r.problems = append(r.problems, problem{r.place(0), "is not key=value", "For example: --set train.epochs=5"})
		case s == nil:
			r.problems = append(r.problems, problem{r.place(0), "unknown key " + key, unknownRemedy(key, root)})
		case s.typ.Kind() == mapKind && s.key != key:
			name := strings.TrimPrefix(key, s.key+".")
			r.leaves = append(r.leaves, leaf{s, map[string]string{name: value}, r.place(0), fromSet})
		case s.key == publishedKey:
			r.text(value, s.children["dir"])
		default:
			r.text(value, s)
		}
		out.leaves = append(out.leaves, r.leaves...)
		out.problems = append(out.problems, r.problems...)
	}
	return out
}

// findWithOptions is find, except that a key below a free map is the map.
func findWithOptions(key string) *spec {
	if s := root.find(key); s != nil {
		return s
	}
	for _, s := range root.leaves() {
		if s.typ.Kind() == mapKind && strings.HasPrefix(key, s.key+".") {
			return s
		}
	}
	return nil
}

// text reads a value written outside YAML. Text keys take it as it stands
// (a path may hold a colon or begin with an asterisk); others read it as YAML.
func (r *reader) text(value string, s *spec) {
	if s.typ.Kind() == stringKind {
		r.leaves = append(r.leaves, leaf{s, value, r.place(0), r.origin})
		return
	}
	n, err := parseYAML([]byte(value))
	if err != nil || n == nil {
		r.problems = append(r.problems, problem{r.place(0), fmt.Sprintf("%s is %q, but %s is expected", s.key, value, s.expects()), ""})
		return
	}
	r.read(n, s)
}
