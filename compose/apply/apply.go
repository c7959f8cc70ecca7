// Package apply carries out a plan: it schedules, limits and reports. It decides nothing.
package apply
