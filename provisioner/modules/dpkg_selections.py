"""dpkg_selections: whether dpkg holds, installs or removes a package."""

from typing import Any, Dict

from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = {
    "name": {"required": True},
    "selection": {"required": True, "choices": ["install", "hold", "deinstall", "purge"]},
}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    name, wanted = args["name"], args["selection"]
    dpkg = context.which("dpkg")
    _, out, _ = context.run([dpkg, "--get-selections", name], ok=[0])
    if not out.strip():
        raise ModuleFailed("Failed to find package '%s' to perform selection '%s'." % (name, wanted))
    current = out.split()[1]
    if current != wanted and not context.check:
        context.run([dpkg, "--set-selections"], data=("%s %s\n" % (name, wanted)).encode(), ok=[0])
    return {"changed": current != wanted, "before": current, "after": wanted}
