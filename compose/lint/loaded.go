package lint

import "github.com/tutti-run/tutti/compose/diag"

// loadedRules are those of compose/load: every command tells them, lint has them in its list. Those that are errors keep a
// file from being loaded.
var loadedRules = []Rule{
	loaded("broken-yaml", diag.Error, "a file is not YAML, or not a mapping", "Mend it where the place says."),
	loaded("unreadable-file", diag.Error, "a file that is named cannot be read", "See whether it is there, and whether you may read it."),
	loaded("missing-file", diag.Error, "a file that a service needs is not there", "Make it, mend the path, or say `required: false` of an env file."),
	loaded("file-not-used", diag.Warning, "a second file of a default name lies beside the one that is used", "Name both with -f, or remove one."),
	loaded("unknown-key", diag.Error, "a key that the Compose specification does not have", "See the hint; what is your own begins with `x-`."),
	loaded("missing-key", diag.Error, "a key that must be there is not", "Add it."),
	loaded("wrong-type", diag.Error, "text where a list has to be, or the like", "See the hint."),
	loaded("bad-value", diag.Error, "a value that means nothing there", "See the hint."),
	loaded("yaml-boolean", diag.Warning, "yes, no, on or off for true or false", "Write true or false: YAML 1.2 knows no others."),
	loaded("duplicate-key", diag.Error, "a key stands twice in a mapping", "Keep one."),
	loaded("duplicate-item", diag.Error, "an item stands twice in a list", "Keep one."),
	loaded("bad-variable", diag.Error, "what follows a $ is no variable", "Write $$ for a plain $."),
	loaded("required-variable", diag.Error, "a variable that must be set is not", "Set it, in the shell or in .env."),
	loaded("unset-variable", diag.Warning, "a variable is not set, and has no default", "Set it, or give a default: ${NAME:-value}."),
	loaded("broken-extends", diag.Error, "a service extends one that is not there, or itself", "See the hint."),
	loaded("no-image", diag.Error, "a service has neither an image nor a build", "Give it one."),
	loaded("build-conflict", diag.Error, "two parts of a build exclude each other", "Keep one."),
	loaded("undefined-reference", diag.Error, "a network, volume, secret, config or model that nobody declares", "Declare it at the top level."),
	loaded("unknown-dependency", diag.Error, "a service that another needs is not there", "See the hint."),
	loaded("disabled-dependency", diag.Error, "a service that another needs is of a profile that is off", "Enable the profile, or say `required: false`."),
	loaded("dependency-circle", diag.Error, "services wait for each other", "Take one dependency out."),
	loaded("conflicting-values", diag.Error, "two attributes say different things of the same", "Keep one."),
	loaded("container-name-with-replicas", diag.Error, "several replicas cannot share one container_name", "Leave container_name out."),
	loaded("duplicate-container-name", diag.Error, "two services have one container_name", "Give one another."),
	loaded("duplicate-mount", diag.Error, "two mounts at one path", "Keep one."),
	loaded("duplicate-port", diag.Error, "two services want the same port of the host", "Give one another port, or another address."),
	loaded("replicas-with-host-port", diag.Warning, "several replicas want one port of the host", "Leave the host port out, or give a range."),
	loaded("bad-content", diag.Error, "a secret, config or external volume that cannot be had as it is declared", "See the hint."),
	loaded("bad-hook", diag.Error, "a hook that has nothing to run", "Give it a command."),
	loaded("not-supported", diag.Warning, "something that tutti, or one engine alone, cannot do", "See what happens instead."),
	loaded("v1-form", diag.Warning, "services stand at the top level, as in the first version of the file", "Write them under `services:`; the finding shows how."),
	loaded("obsolete-version", diag.Warning, "the attribute version, which means nothing any more", "Remove it."),
	loaded(otherRule, diag.Error, "anything else that keeps the files from being loaded", "See the text."),
}

func loaded(id string, severity diag.Severity, title, fix string) Rule {
	why := "The files cannot be loaded with it."
	if severity != diag.Error {
		why = "Every command warns of it."
	}
	return Rule{ID: id, Severity: severity, Title: title, Why: why, Fix: fix}
}
