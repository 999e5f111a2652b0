"""The permissions in infra/: no finding of cfn-lint, the same in CloudFormation and Terraform, least privilege.

What an action may be narrowed to is read from the copy of AWS's service authorization reference that cfn-lint carries.
"""

import json
import re
from pathlib import Path

import cfnlint
import hcl2
import pytest
from cfnlint.api import lint_file
from cfnlint.decode import cfn_yaml

INFRA = Path(__file__).parents[2] / "infra"
TEMPLATES = sorted((INFRA / "cloudformation").glob("*.yaml"))
MODULES = sorted(path for path in (INFRA / "terraform").iterdir() if path.is_dir())
READING = re.compile(r"[a-z0-9-]+:(BatchGet|Describe|Get|List|Select)[A-Z][A-Za-z]+")
# What the collectors' own roles may do beside reading; infra/README.md tells why.
EXCEPTIONS = {"kms:Decrypt", "sqs:DeleteMessage", "sqs:ReceiveMessage"}
SERVICE_ROLES = {"DeliveryRole", "StreamRole"}
# Their resource type (a dataset) is not what these calls read: metrics have no ARN.
WITHOUT_ARN = {"cloudwatch:GetMetricData", "cloudwatch:ListMetrics"}
# The collectors' calls, and what their names are in policies where that differs.
CALLS = INFRA.parent / "ingest/aws/src"
IAM_NAMES = {"tagging": "tag", "sqs:deletemessagebatch": "sqs:deletemessage"}
REFERENCE = json.loads((Path(cfnlint.__file__).parent / "data/AdditionalSpecs/Policies.json").read_text())


def name(path):
    return path.stem


def listed(value):
    return value if isinstance(value, list) else [value]


def statements(node):
    """All IAM statements below a node of a template."""
    if isinstance(node, dict):
        if "Effect" in node:
            return [node]
        return [found for value in node.values() for found in statements(value)]
    return [found for value in node for found in statements(value)] if isinstance(node, list) else []


def resources(template):
    return cfn_yaml.load(str(INFRA / "cloudformation" / f"{template}.yaml"))["Resources"]


def collector_statements(template):
    """What the roles that the collectors assume are allowed, without their trust."""
    roles = [role for key, role in resources(template).items()
             if role["Type"] == "AWS::IAM::Role" and key not in SERVICE_ROLES]
    return [found for role in roles for found in statements(role["Properties"]["Policies"])]


def unquoted(node):
    if isinstance(node, dict):
        return {key.strip('"'): unquoted(value) for key, value in node.items()}
    if isinstance(node, list):
        return [unquoted(value) for value in node]
    return node.strip('"') if isinstance(node, str) else node


def blocks(body, kind):
    """Blocks of a kind in a Terraform body, plain ones and those made by `dynamic`."""
    dynamic = [made[kind]["content"][0] for made in body.get("dynamic", []) if kind in made]
    return body.get(kind, []) + dynamic


def module_statements(module):
    found = {}
    for path in sorted(module.glob("*.tf")):
        with path.open() as file:
            parsed = unquoted(hcl2.load(file))
        for data in parsed.get("data", []):
            for document in data.get("aws_iam_policy_document", {}).values():
                for statement in blocks(document, "statement"):
                    conditions = {(made["test"], made["variable"]) for made in blocks(statement, "condition")}
                    anywhere = "*" in statement.get("resources", [])
                    shape = (statement["effect"], sorted(statement["actions"]), anywhere, conditions)
                    found.setdefault(statement["sid"], []).append(shape)
    return found


def template_statements(template):
    found = {}
    for statement in statements(resources(template)):
        conditions = {(test, key) for test, keys in statement.get("Condition", {}).items() for key in keys}
        anywhere = "*" in listed(statement.get("Resource", []))
        shape = (statement["Effect"], sorted(listed(statement["Action"])), anywhere, conditions)
        found.setdefault(statement["Sid"], []).append(shape)
    return found


@pytest.mark.parametrize("template", TEMPLATES, ids=name)
def test_cfn_lint_finds_nothing(template):
    assert [str(match) for match in lint_file(template)] == []


def test_cfn_lint_is_at_work(tmp_path):
    text = (INFRA / "cloudformation/collector-role.yaml").read_text()
    broken = tmp_path / "broken.yaml"
    broken.write_text(text.replace("Action: tag:GetResources", "Action: tag:TakeResources"))
    assert [match.rule.id for match in lint_file(broken)] == ["W3037"]


@pytest.mark.parametrize("template", TEMPLATES, ids=name)
def test_every_statement_tells_the_call_that_needs_it(template):
    lines = template.read_text().splitlines()
    for number, line in enumerate(lines):
        if "- Sid:" in line:
            above = number - 1
            while re.match(r"\s*- (!If|Has\w+)$", lines[above]):
                above -= 1
            assert lines[above].strip().startswith("#"), line


@pytest.mark.parametrize("template", TEMPLATES, ids=name)
def test_wildcard_actions_only_ever_deny(template):
    for statement in statements(resources(template.stem)):
        wild = [action for action in listed(statement["Action"]) if "*" in action]
        assert not wild or (statement["Effect"], statement["Sid"]) == ("Deny", "OnlyOverTls")
        assert not {"NotAction", "NotResource", "NotPrincipal"} & set(statement)


@pytest.mark.parametrize("template", TEMPLATES, ids=name)
def test_collectors_only_read(template):
    for statement in collector_statements(template.stem):
        assert statement["Effect"] == "Allow"
        for action in listed(statement["Action"]):
            assert READING.fullmatch(action) or action in EXCEPTIONS, action


def test_the_exceptions_are_where_they_are_needed():
    where = {action: set() for action in EXCEPTIONS}
    for template in TEMPLATES:
        for statement in collector_statements(template.stem):
            for action in EXCEPTIONS & set(listed(statement["Action"])):
                where[action].add((template.stem, statement["Sid"]))
                assert "*" not in listed(statement["Resource"])
    queue = {("metric-stream", "Announcements")}
    assert where["sqs:DeleteMessage"] == where["sqs:ReceiveMessage"] == queue
    assert where["kms:Decrypt"] == {("management-account", "ExportDecryption"), ("metric-stream", "StreamDecryption")}


@pytest.mark.parametrize("template", TEMPLATES, ids=name)
def test_resources_are_named_wherever_aws_can_tell_them_apart(template):
    for statement in statements(resources(template.stem)):
        if "*" not in listed(statement.get("Resource", [])):
            continue
        for action in listed(statement["Action"]):
            service, call = action.split(":")
            types = REFERENCE[service]["Actions"][call.lower()].get("Resources", [])
            assert types == [] or action in WITHOUT_ARN, f"{action} can be bound to {types}"


def test_service_roles_write_the_stream_and_nothing_else():
    made = resources("metric-stream")
    allowed = {
        key: {action for found in statements(made[key]["Properties"]["Policies"]) for action in listed(found["Action"])}
        for key in SERVICE_ROLES
    }
    assert allowed == {
        "DeliveryRole": {
            "kms:Decrypt", "kms:GenerateDataKey", "logs:PutLogEvents", "s3:AbortMultipartUpload",
            "s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:PutObject",
        },
        "StreamRole": {"firehose:PutRecord", "firehose:PutRecordBatch"},
    }


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_terraform_says_the_same_as_cloudformation(module):
    ours, theirs = module_statements(module), template_statements(module.name)
    assert {sid: sorted(found, key=str) for sid, found in ours.items()} == {
        sid: sorted(found, key=str) for sid, found in theirs.items()
    }
    assert len(ours) >= 5


def test_there_is_a_module_for_every_role():
    roles = {template.stem for template in TEMPLATES if statements(resources(template.stem))}
    assert {module.name for module in MODULES} == roles


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_every_terraform_file_parses_and_every_variable_is_used(module):
    declared, text = set(), ""
    for path in sorted(module.glob("*.tf")):
        with path.open() as file:
            parsed = unquoted(hcl2.load(file))
        declared |= {key for block in parsed.get("variable", []) for key in block}
        text += path.read_text()
    assert set(re.findall(r"\bvar\.(\w+)", text)) == declared
    text = re.sub(r'variable "\w+" \{.*?\n\}\n', "", text, flags=re.S)
    assert set(re.findall(r"\bvar\.(\w+)", text)) == declared


def test_every_call_of_the_collectors_is_granted_and_nothing_else():
    """The calls by their names in the SDK, and the lists of `lists/SERVICE.rs`; objects and keys are read by others."""
    services = "account|cloudwatch|config|organizations|sustainability|tagging"
    made = set()
    for path in sorted(CALLS.rglob("*.rs")):
        text = path.read_text()
        made |= {(service, call) for service, call in re.findall(rf"clients\s*\.({services})\s*\.(\w+)\(\)", text)}
        if path.parent.name == "lists":
            made |= {(path.stem, call.lower()) for call in re.findall(r'const CALL: &\'static str = "(\w+)"', text)}
        if path.name == "queue.rs":
            made |= {("sqs", call) for call in re.findall(r"\bself\s*\.client\s*\.(\w+)\(\)", text)}
    calls = {f"{IAM_NAMES.get(service, service)}:{call.replace('_', '')}" for service, call in made}
    granted = {action.lower() for template in TEMPLATES for found in collector_statements(template.stem)
               for action in listed(found["Action"])}
    assert len(calls) >= 19
    assert {IAM_NAMES.get(call, call) for call in calls} == {
        action for action in granted if action.split(":")[0] not in {"kms", "s3"}
    }


def test_the_readme_explains_every_permission():
    table = set(re.findall(r"`([a-z0-9-]+:[A-Z][A-Za-z]+)`", (INFRA / "README.md").read_text()))
    granted = {action for template in TEMPLATES for found in collector_statements(template.stem)
               for action in listed(found["Action"])}
    assert granted - table == set()
