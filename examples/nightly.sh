#!/bin/sh
# The nightly run of all accounts, started by cron. The folder also has accounts.aws_organization.yml, group_vars/all.yml
# and `credentials`, a file that only its owner can read, with lines such as: export AZURE_CLIENT_ID=…
# It may also set where the results of a run go:
#   MAIL_TO      a mail address: a run that requires action sends its report there
#   WEBHOOK      a URL: such a run posts a sentence there, {"text": "…"}, as Slack, Mattermost and Google Chat expect it
#   METRICS_DIR  the folder of node_exporter's textfile collector: every run writes its metrics there
# The exit code is 0 if no action is required.
cd "$(dirname "$0")" || exit 1
. ./credentials
export ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=true
started=$(date -u +%Y-%m-%dT%H%M%SZ)
result=0

run() {
  playbook=$1
  report=reports/$started-$playbook
  shift
  if ansible-playbook "trailbridge.sentinel.$playbook" -i accounts.aws_organization.yml \
    -e sentinel_report_dir=reports -e sentinel_report_name="$started" "$@"; then
    echo "$playbook: no action is required."
  else
    result=2
    subject="Microsoft Sentinel: $playbook on $(hostname) requires action"
    [ -z "$MAIL_TO" ] || mail_report || echo "The mail about $playbook was not sent."
    [ -z "$WEBHOOK" ] || post_sentence || echo "The message about $playbook was not posted."
  fi
  [ -z "$METRICS_DIR" ] || publish_metrics || echo "The metrics of $playbook were not published."
}

mail_report() {
  {
    printf 'To: %s\nSubject: %s\nMIME-Version: 1.0\n' "$MAIL_TO" "$subject"
    printf 'Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n'
    cat "$report/report.md" 2>/dev/null || echo "The run ended without a report; its output is in the log."
  } | "${SENDMAIL:-/usr/sbin/sendmail}" -i -t
}

# The URL is a secret: as an argument every user of the machine could read it.
post_sentence() {
  curl --silent --show-error --fail --max-time 30 --output /dev/null --config - <<END
url = "$WEBHOOK"
header = "Content-Type: application/json"
data = "{\"text\": \"$subject. The report is in $report.\"}"
END
}

# node_exporter reads a file at any time: a new one takes its place when it is complete.
publish_metrics() {
  file=$METRICS_DIR/trailbridge_sentinel_$(basename "$PWD")_$playbook.prom
  [ -e "$report/report.prom" ] && cp "$report/report.prom" "$file.$$" && chmod 644 "$file.$$" && mv "$file.$$" "$file"
}

# Connects new accounts and repairs drift. Security findings lead to exit code 2, even if they are repaired.
run onboard -e sentinel_fail_on=security
# Checks once whether events arrive.
run verify -e sentinel_verify_wait=0
# Removes the connectors of accounts that are closed or left. Omit it if the workspace also reads accounts of another
# organization, or of none. They are not listed by this one, so they would count as departed.
run departed

exit $result
