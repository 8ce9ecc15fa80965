#!/bin/sh
# The nightly run of all accounts, started by cron. The folder also has accounts.aws_organization.yml, group_vars/all.yml
# and `credentials`, a file that only its owner can read, with lines such as: export AZURE_CLIENT_ID=…
# The exit code is 0 if no action is required.
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

# Connects new accounts and repairs drift. Security findings lead to exit code 2, even if they are repaired.
run onboard -e sentinel_fail_on=security
# Checks once whether events arrive.
run verify -e sentinel_verify_wait=0
# Removes the connectors of accounts that are closed or left. Omit it if the workspace also reads accounts of another
# organization, or of none. They are not listed by this one, so they would count as departed.
run departed

exit $result
