package render

import "github.com/charmbracelet/x/ansi"

// Menu is a line of keys and what they do, no wider than the terminal.
func Menu(s Style, keys [][2]string) string {
	line := ""
	for _, k := range keys {
		if line != "" {
			line += "   "
		}
		line += s.paint("1;7", k[0]) + s.paint(dim, " "+k[1])
	}
	if s.Width > 1 {
		return ansi.Truncate(line, s.Width-1, "…")
	}
	return line
}
