"""An unmodified boto3 client provisions on `countersign serve emulator`, in the order in which Terraform does it.

Usage: python boto3_provisions.py PATH_TO_COUNTERSIGN_BINARY

Needs boto3 and the standard library. Prints one line a check, then `N passed, M failed`; exit code 1 if one failed.
Every answer is also held against botocore's own model of the service as it came over the wire.
"""

import json
import os
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone

from boto3_against_emulator import (
    UUID, answers, check_answers, check_error, check_missing, client, emulator,
)
from checks import check, clean_environment, exit_code, group

NAMESPACE = "made-by-boto3"
NAME = "made-by-boto3-too"
DOMAIN = "made.boto3-check.example.com"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0b2d2b1c-1d4f-4a57-8b2d-4b2f9b6d5a11"
PASSWORD = "CANARY-of-the-administrator"
SETTLE = 0.4
PATIENCE_SECONDS = 10
ADMINISTRATOR = {"adminUsername": "admin", "adminUserPassword": PASSWORD}
CONFLICT = "ConflictException"

OPERATIONS = {
    "CreateNamespace", "GetNamespace", "ListNamespaces", "DeleteNamespace", "CreateWorkgroup", "GetWorkgroup",
    "ListWorkgroups", "UpdateWorkgroup", "DeleteWorkgroup", "CreateCustomDomainAssociation",
    "GetCustomDomainAssociation", "ListCustomDomainAssociations", "DeleteCustomDomainAssociation", "TagResource",
    "ListTagsForResource", "UntagResource", "GetCredentials",
}


def wait_until(name, status_of, passing, wanted):
    """Asks again as Terraform's waiters do: only these statuses may pass until the wanted one is there."""
    seen, end = [], time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        status = status_of()
        if not seen or seen[-1] != status:
            seen.append(status)
        if status == wanted or status not in passing:
            break
        time.sleep(0.05)
    check(name, seen == [*passing, wanted], seen)


def gone_or_status(caller, ask, key):
    def status():
        try:
            return ask()[key]["status"]
        except caller.exceptions.ResourceNotFoundException:
            return None
    return status


def check_namespace(ready, caller):
    before = datetime.now(timezone.utc)
    created = caller.create_namespace(
        namespaceName=NAMESPACE, **ADMINISTRATOR, logExports=["userlog"], tags=[{"key": "team", "value": "data"}]
    )["namespace"]
    check("a new namespace is available", created["status"] == "AVAILABLE", created["status"])
    check("it has no database yet", "dbName" not in created, created)
    check("it shows its administrator", created["adminUsername"] == "admin", created)
    check("and not the password", PASSWORD not in json.dumps(created, default=str), created)
    check("it shows what is exported", created["logExports"] == ["userlog"], created)
    identity = created["namespaceId"]
    check("its id is a UUID", UUID.fullmatch(identity), identity)
    arn = f"arn:aws:redshift-serverless:{ready['region']}:{ready['account']}:namespace/{identity}"
    check("its ARN ends in its id", created["namespaceArn"] == arn, created["namespaceArn"])
    off = abs(created["creationDate"] - before)
    check("it was created just now", off < timedelta(seconds=60), off)
    shown = caller.get_namespace(namespaceName=NAMESPACE)["namespace"]
    check("it is shown as it was created", shown == created, (shown, created))
    check_error("a namespace of the same name", caller, CONFLICT, operation="create_namespace", namespaceName=NAMESPACE)
    check_error("a user without a password", caller, "ValidationException", operation="create_namespace",
                namespaceName="another-one", adminUsername="admin")
    check_missing("a namespace that is not there", caller, "nobody-has-this", operation="get_namespace",
                  namespaceName="nobody-has-this")
    return created


def check_workgroup(caller):
    check_missing("a workgroup in no namespace", caller, "nobody-has-this", operation="create_workgroup",
                  namespaceName="nobody-has-this", workgroupName=NAME)
    created = caller.create_workgroup(namespaceName=NAMESPACE, workgroupName=NAME, port=5440)["workgroup"]
    check("a new workgroup is being created", created["status"] == "CREATING", created["status"])
    check_error("deleting it meanwhile", caller, CONFLICT, operation="delete_workgroup", workgroupName=NAME)
    check_error("changing it meanwhile", caller, CONFLICT, operation="update_workgroup", workgroupName=NAME, port=5441)

    def status():
        return caller.get_workgroup(workgroupName=NAME)["workgroup"]["status"]

    wait_until("it becomes available", status, ["CREATING"], "AVAILABLE")
    shown = caller.get_workgroup(workgroupName=NAME)["workgroup"]
    check("nothing else changes", {**created, "status": "AVAILABLE"} == shown, (created, shown))
    check("its port is the one it was created with", (shown["port"], shown["endpoint"]["port"]) == (5440, 5440), shown)
    check("its namespace has a database now",
          caller.get_namespace(namespaceName=NAMESPACE)["namespace"]["dbName"] == "dev")
    listed = [workgroup for workgroup in caller.list_workgroups()["workgroups"] if workgroup["workgroupName"] == NAME]
    check("it is listed as it is shown", listed == [shown], listed)
    check_error("a second workgroup of a namespace", caller, CONFLICT, operation="create_workgroup",
                namespaceName=NAMESPACE, workgroupName="a-second-one")
    check_error("a namespace that has a workgroup", caller, CONFLICT, operation="delete_namespace",
                namespaceName=NAMESPACE)

    updated = caller.update_workgroup(workgroupName=NAME, port=8200)["workgroup"]
    check("a workgroup is being modified", updated["status"] == "MODIFYING", updated["status"])
    wait_until("it becomes available again", status, ["MODIFYING"], "AVAILABLE")
    endpoint = caller.get_workgroup(workgroupName=NAME)["workgroup"]["endpoint"]
    check("it has the new port", endpoint["port"] == 8200, endpoint)
    check_error("two changes at once", caller, "ValidationException", operation="update_workgroup", workgroupName=NAME,
                port=5439, baseCapacity=64)
    check_error("a port out of range", caller, "ValidationException", operation="update_workgroup", workgroupName=NAME,
                port=5430)
    return shown


def check_custom_domain(caller):
    names = {"customDomainName": DOMAIN, "workgroupName": NAME}
    created = caller.create_custom_domain_association(**names, customDomainCertificateArn=CERTIFICATE)
    got = caller.get_custom_domain_association(**names)
    for answer in (created, got):
        del answer["ResponseMetadata"]
    check("an association is shown as it was created", created == got, (created, got))
    check("it has its certificate", created["customDomainCertificateArn"] == CERTIFICATE, created)
    check("which expires later", created["customDomainCertificateExpiryTime"] > datetime.now(timezone.utc), created)
    listed = caller.list_custom_domain_associations(customDomainName=DOMAIN)["associations"]
    check("it is listed", listed == [created], listed)
    check("by its certificate too",
          caller.list_custom_domain_associations(customDomainCertificateArn=CERTIFICATE)["associations"] == [created])
    shown = caller.get_workgroup(workgroupName=NAME)["workgroup"]
    check("its workgroup shows it", shown["customDomainName"] == DOMAIN, shown)
    check("it gets credentials", caller.get_credentials(customDomainName=DOMAIN)["dbPassword"])
    conflicting = {"operation": "create_custom_domain_association", "customDomainCertificateArn": CERTIFICATE}
    check_error("a domain that is taken", caller, CONFLICT, **conflicting, **names)
    check_error("a token that nobody gave", caller, "InvalidPaginationException",
                operation="list_custom_domain_associations", nextToken="12345678")
    caller.delete_custom_domain_association(**names)
    check_missing("an association that is deleted", caller, DOMAIN, operation="get_custom_domain_association", **names)
    check_missing("credentials for it", caller, DOMAIN, customDomainName=DOMAIN)
    # One that is left goes with its workgroup.
    caller.create_custom_domain_association(**names, customDomainCertificateArn=CERTIFICATE)


def check_tags(caller, arn, tags):
    def listed():
        return {tag["key"]: tag["value"] for tag in caller.list_tags_for_resource(resourceArn=arn)["tags"]}

    check(f"{arn}: the tags that it was created with", listed() == tags, listed())
    caller.tag_resource(resourceArn=arn, tags=[{"key": "team", "value": "web"}, {"key": "stage", "value": ""}])
    check(f"{arn}: more tags", listed() == {"team": "web", "stage": ""}, listed())
    caller.untag_resource(resourceArn=arn, tagKeys=["team"])
    check(f"{arn}: fewer tags", listed() == {"stage": ""}, listed())
    many = [{"key": str(number), "value": ""} for number in range(200)]
    check_error(f"{arn}: too many tags", caller, "TooManyTagsException", operation="tag_resource", resourceArn=arn,
                tags=many)
    check_missing("tags of nothing", caller, arn + "0", operation="list_tags_for_resource", resourceArn=arn + "0")


def check_pages(caller):
    names = [f"page-{number:03}" for number in range(7)]
    for name in names:
        caller.create_namespace(namespaceName=name)
    paginator = caller.get_paginator("list_namespaces")
    for size in (1, 3, 100):
        pages = list(paginator.paginate(PaginationConfig={"PageSize": size}))
        found = [namespace["namespaceName"] for page in pages for namespace in page["namespaces"]]
        check(f"the paginator finds all namespaces once, {size} a page",
              found == sorted(set(found)) and set(names) < set(found), found)
    check_error("a token that nobody gave, for namespaces", caller, "ValidationException", operation="list_namespaces",
                nextToken="token")
    for name in names:
        caller.delete_namespace(namespaceName=name)


def check_delete(caller):
    deleted = caller.delete_workgroup(workgroupName=NAME)["workgroup"]
    check("a workgroup is being deleted", deleted["status"] == "DELETING", deleted["status"])
    check_error("its namespace meanwhile", caller, CONFLICT, operation="delete_namespace", namespaceName=NAMESPACE)
    ask = gone_or_status(caller, lambda: caller.get_workgroup(workgroupName=NAME), "workgroup")
    wait_until("then it is gone", ask, ["DELETING"], None)
    check_missing("credentials for a deleted workgroup", caller, NAME, workgroupName=NAME)
    check_missing("credentials for its custom domain", caller, DOMAIN, customDomainName=DOMAIN)
    check_missing("deleting it again", caller, NAME, operation="delete_workgroup", workgroupName=NAME)
    deleted = caller.delete_namespace(namespaceName=NAMESPACE)["namespace"]
    check("a namespace is being deleted", deleted["status"] == "DELETING", deleted["status"])
    ask = gone_or_status(caller, lambda: caller.get_namespace(namespaceName=NAMESPACE), "namespace")
    wait_until("then it is gone too", ask, ["DELETING"], None)
    left = [namespace["namespaceName"] for namespace in caller.list_namespaces()["namespaces"]]
    check("no list has it", NAMESPACE not in left, left)


def check_state(binary):
    """What was created is there again after a restart, and no secret is in the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "state.json")
        flags = ["--state", path, "--settle", "0", "--region", "us-east-1", "--region", "eu-west-1"]
        with emulator(binary, *flags) as ready:
            caller, there = client(ready), client(ready, region="eu-west-1")
            caller.create_namespace(namespaceName=NAMESPACE, **ADMINISTRATOR)
            before = caller.create_workgroup(namespaceName=NAMESPACE, workgroupName=NAME)["workgroup"]
            check_missing("another region has nothing of it", there, NAME, workgroupName=NAME)
            there.create_namespace(namespaceName=NAMESPACE)
            there.create_workgroup(namespaceName=NAMESPACE, workgroupName=NAME)
            check("it has its own", there.get_credentials(workgroupName=NAME)["dbPassword"])
            check_error("a region that is not served", client(ready, region="ap-south-1"), "InvalidSignatureException",
                        typed=False, workgroupName=NAME)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        check("the file has no password in it", PASSWORD not in text and ready["secret_access_key"] not in text)
        with emulator(binary, *flags) as ready:
            after = client(ready).get_workgroup(workgroupName=NAME)["workgroup"]
            expected = {**before, "status": "AVAILABLE"}
            check("after a restart a workgroup is as it was", after == expected, (after, expected))
            check("the ready line has what there is", NAME in ready["workgroups"], ready)
            arn = client(ready, region="eu-west-1").get_workgroup(workgroupName=NAME)["workgroup"]["workgroupArn"]
            check("in the other region too", ":eu-west-1:" in arn, arn)


def main(binary):
    clean_environment()
    with group("like Terraform"), emulator(binary, "--settle", str(SETTLE)) as ready:
        caller = client(ready)
        namespace = check_namespace(ready, caller)
        workgroup = check_workgroup(caller)
        check("credentials for the new workgroup", caller.get_credentials(workgroupName=NAME, dbName="dev")["dbUser"])
        check_custom_domain(caller)
        check_tags(caller, namespace["namespaceArn"], {"team": "data"})
        check_tags(caller, workgroup["workgroupArn"], {})
        check_pages(caller)
        check_delete(caller)
        missing = OPERATIONS - set(answers)
        check("every operation answered", not missing, missing)
        check_answers()
    with group("a saved state"):
        check_state(binary)
        check_answers()

    return exit_code()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
