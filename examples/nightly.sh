#!/bin/sh
# The night of a fleet, called by cron. Beside it are accounts.aws_organization.yml, group_vars/all.yml and `credentials`,
# a file that only its owner can read, with lines such as: export AZURE_CLIENT_ID=…
# The exit code is 0 if there is nothing for a person to do.
cd "$(dirname "$0")" || exit 1
. ./credentials
export ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=true
result=0

run() {
  playbook=$1
  shift
  ansible-playbook "trailbridge.sentinel.$playbook" -i accounts.aws_organization.yml \
    -e sentinel_report_dir=reports "$@" || result=2
}

# Connects new accounts and corrects the others. Security findings end with exit code 2, though they are repaired.
run onboard -e sentinel_fail_on=security
# Looks once whether events arrive.
run verify -e sentinel_verify_wait=0
# Removes the connectors of accounts that were closed or have left. Leave it out if the workspace also reads accounts of
# another organization, or of none: this one does not list them, so they would count as gone.
run departed

exit $result
