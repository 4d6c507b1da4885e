"""Every row of docs/contract/http.md sections 6, 10, 11, 15 and 16, with the tests that hold the product to it.

ROWS: an endpoint, and for each status that its row names the test functions that show it. RULES: what stands below a
table, by some words of each paragraph. Functions are named, not files: they may move. `test_contract_rows.py` compares
both with the text and with the functions that there are.
"""

Tests = tuple[str, ...]

ROWS: dict[int, dict[str, dict[int, Tests]]] = {
    6: {
        "POST /offline/queue": {
            202: ("test_queue_sends_events_straight_to_the_workers", "test_queue_force_queue_waits_for_a_sync"),
            400: ("test_queue_refuses",),
            413: ("test_queue_refuses",),
            422: ("test_queue_refuses",),
        },
        "GET /offline/status": {
            200: ("test_status_of_an_empty_queue", "test_status_health"),
            500: ("test_offline_500_names_the_action",),
        },
        "POST /offline/sync": {
            200: ("test_sync_of_nothing", "test_sync_in_background", "test_queue_force_queue_waits_for_a_sync"),
            422: ("test_sync_wants_a_boolean",),
            500: ("test_offline_500_names_the_action",),
        },
        "DELETE /offline/clear": {200: ("test_clear",), 500: ("test_offline_500_names_the_action",)},
        "GET /offline/failed-events": {200: ("test_failed_events",), 500: ("test_offline_500_names_the_action",)},
    },
    10: {
        "GET /environment/current": {
            200: ("test_current",),
            500: ("test_what_cannot_be_collected_is_a_500_without_the_reason",),
        },
        "GET /environment/summary": {
            200: ("test_summary",),
            500: ("test_what_cannot_be_collected_is_a_500_without_the_reason",),
        },
        "POST /environment/snapshot": {
            201: ("test_snapshot_is_kept", "test_snapshot_takes_the_query_instead_of_a_body"),
            422: ("test_snapshot_refuses",),
            500: ("test_what_cannot_be_collected_is_a_500_without_the_reason",),
        },
        "GET /environment/packages": {
            200: ("test_packages", "test_packages_by_name_without_case"),
            500: ("test_what_cannot_be_collected_is_a_500_without_the_reason",),
        },
        "GET /environment/health": {
            200: ("test_health", "test_score"),
            500: ("test_what_cannot_be_collected_is_a_500_without_the_reason",),
        },
        "POST /environment/diff": {
            200: ("test_diff_of_two", "test_diff_with_now"),
            404: ("test_diff_of_what_is_not_there",),
            422: ("test_diff_refuses",),
        },
        "GET /environment/diff": {
            200: ("test_diff_with_so_many_hours_ago", "test_diff_without_an_earlier_snapshot"),
            422: ("test_diff_refuses",),
            500: ("test_what_cannot_be_collected_is_a_500_without_the_reason",),
        },
        "POST /environment/analyze": {
            200: ("test_analyze", "test_analyze_a_target"),
            404: ("test_analyze_an_unknown_target",),
            500: ("test_what_cannot_be_collected_is_a_500_without_the_reason",),
        },
    },
    11: {
        "POST /notebook-version/snapshot": {
            201: ("test_snapshot", "test_snapshot_path_in_the_query"),
            422: ("test_what_cannot_be_is_422",),
            500: ("test_what_fails_is_a_500_without_the_reason",),
        },
        "POST /notebook-version/commit": {
            201: ("test_commit", "test_commit_by_the_other_names_and_to_a_branch", "test_commit_under_another_path"),
            404: ("test_what_is_not_there_is_404",),
            422: ("test_what_cannot_be_is_422",),
            500: ("test_what_fails_is_a_500_without_the_reason",),
        },
        "POST /notebook-version/commit-direct": {
            201: ("test_commit_direct",),
            422: ("test_what_cannot_be_is_422",),
            500: ("test_what_fails_is_a_500_without_the_reason",),
        },
        "GET /notebook-version/history": {
            200: ("test_history", "test_history_of_a_branch_and_so_many"),
            404: ("test_what_is_not_there_is_404",),
            422: ("test_what_cannot_be_is_422",),
        },
        "GET /notebook-version/history/{notebook_path}": {
            200: ("test_history",),
            404: ("test_what_is_not_there_is_404",),
            500: ("test_what_fails_is_a_500_without_the_reason",),
        },
        "GET /notebook-version/version/{version_id}": {
            200: ("test_version",),
            404: ("test_what_is_not_there_is_404",),
        },
        "GET /notebook-version/latest": {200: ("test_latest",), 404: ("test_what_is_not_there_is_404",)},
        "POST /notebook-version/branch": {
            201: ("test_branch",),
            404: ("test_what_is_not_there_is_404",),
            409: ("test_branch",),
            422: ("test_what_cannot_be_is_422",),
        },
        "GET /notebook-version/branches": {
            200: ("test_branches",),
            404: ("test_what_is_not_there_is_404",),
            422: ("test_what_cannot_be_is_422",),
        },
        "GET /notebook-version/branch/{branch_id}": {
            200: ("test_branch",),
            404: ("test_what_is_not_there_is_404",),
        },
        "POST /notebook-version/compare": {
            200: ("test_compare", "test_compare_equal_versions"),
            404: ("test_what_is_not_there_is_404",),
            422: ("test_what_cannot_be_is_422", "test_compare_what_is_too_much"),
        },
        "GET /notebook-version/compare/{from}/{to}": {
            200: ("test_compare",),
            404: ("test_what_is_not_there_is_404",),
        },
        "GET /notebook-version/snapshot/{snapshot_id}": {
            200: ("test_snapshot_detail", "test_snapshot_by_its_id_alone_is_the_newest"),
            404: ("test_what_is_not_there_is_404",),
        },
        "GET /notebook-version/stats": {
            200: ("test_stats",),
            500: ("test_what_fails_is_a_500_without_the_reason",),
        },
    },
    15: {
        **{
            f"GET /admin/{name}": {
                200: (test, "test_http_15_answers_an_instructor_in_both_forms"),
                401: ("test_http_15_needs_a_login",),
                403: ("test_http_15_needs_a_login",),
            }
            for name, test in (
                ("metrics", "test_http_15_metrics"),
                ("performance", "test_http_15_performance_is_measured"),
                ("system-status", "test_http_15_system_status_is_200_whatever_the_state"),
                ("worker-status", "test_http_15_worker_status"),
                ("settings", "test_http_15_settings_list"),
                ("consecutive-error-status", "test_http_15_consecutive_error_status"),
            )
        },
        "GET /admin/settings/{setting_key}": {
            200: ("test_http_15_setting_is_typed", "test_http_15_setting_that_is_off_has_its_default"),
            404: ("test_http_15_setting_is_typed",),
        },
        "PUT /admin/settings/{setting_key}": {
            200: ("test_http_15_put_setting",),
            400: ("test_http_15_put_threshold_400", "test_http_15_put_wrong_type_400"),
            404: ("test_http_15_put_refusals",),
            422: ("test_http_15_put_refusals",),
        },
        "POST /admin/settings": {
            200: ("test_http_15_post_setting",),
            400: ("test_http_15_post_unparsable_400",),
            422: ("test_http_15_post_422",),
        },
        "GET /admin/audit-log": {
            200: ("test_http_15_audit_log", "test_http_15_audit_log_filters"),
            401: ("test_http_15_needs_a_login",),
            403: ("test_http_15_needs_a_login", "test_http_15_audit_log_is_the_admins"),
        },
    },
    16: {
        "GET /analytics/progress": {
            200: ("test_http_16_progress", "test_http_16_progress_narrowed"),
            404: ("test_http_16_progress_refused",),
            422: ("test_http_16_progress_refused",),
        },
        "GET /analytics/teams": {200: ("test_http_16_teams",)},
        "GET /analytics/predictions": {
            200: ("test_http_16_predictions", "test_http_16_predictions_of_an_assignment"),
            404: ("test_http_16_predictions_refused",),
            422: ("test_http_16_predictions_refused",),
        },
        "POST /analytics/reports": {
            201: ("test_http_16_reports", "test_http_16_reports_of_every_type"),
            404: ("test_http_16_reports_refused",),
            422: ("test_http_16_reports_refused",),
            503: ("test_without_redis_nothing_is_ordered",),
        },
        "GET /analytics/reports/{report_id}": {
            200: ("test_http_16_reports", "test_a_report_is_of_whoever_ordered_it"),
            404: ("test_http_16_no_such_report",),
        },
        "GET /analytics/reports/{report_id}/download": {
            200: ("test_http_16_reports", "test_http_16_reports_of_every_type"),
            404: ("test_http_16_no_such_report", "test_a_report_is_of_whoever_ordered_it"),
            409: ("test_http_16_reports", "test_a_report_that_fails_says_what_to_do"),
        },
    },
}

RULES: dict[int, dict[str, Tests]] = {
    6: {
        "`queue_status`: `is_online": ("test_status_of_an_empty_queue",),
        "`health`: `critical`": ("test_status_health",),
        "Sync messages:": (
            "test_two_syncs_at_once_cannot_run",
            "test_sync_of_nothing",
            "test_sync_in_background",
            "test_queue_force_queue_waits_for_a_sync",
        ),
        "Without `force_queue` and with the pipeline reachable": (
            "test_queue_sends_events_straight_to_the_workers",
            "test_whole_system_keeps_and_syncs_what_came_while_redis_was_away",
        ),
        "The queue takes any JSON object": (
            "test_queue_any_object_is_taken_and_what_is_no_event_comes_to_light_at_the_sync",
        ),
        "A sync tries each entry once": ("test_five_tries_and_twice_the_wait_each_time", "test_clear"),
        "Limits: 1000 entries": (
            "test_queue_overflow_drops_old_entries_of_low_priority_and_else_fails_the_record",
            "test_sync_costs_the_same_for_one_batch_whatever_its_size",
        ),
        "A record that means no event fails at its first try": (
            "test_queue_alike_without_force_for_what_is_no_event",
            "test_redis_that_is_away_for_long_fails_them_for_now_only",
            "test_whole_system_keeps_and_syncs_what_came_while_redis_was_away",
        ),
        "An entry without an event id gets": (
            "test_event_id_makes_a_second_sync_harmless",
            "test_sent_at_means_queued_at_where_the_sender_says_nothing",
            "test_instructors_token_is_remembered",
        ),
        "What the pipeline sets aside": (
            "test_record_that_the_pipeline_sets_aside_keeps_its_class",
            "test_events_are_put_back_and_what_became_of_each_is_told",
        ),
        "With `API_REQUIRE_AUTH` on: clearing": (
            "test_failed_events_are_those_of_ones_own_students",
            "test_events_go_to_the_stream_while_postgresql_is_away",
        ),
    },
    10: {
        "Snapshot object:": ("test_current",),
        "`system_env {os_name": ("test_current",),
        "`notebook_path, cell_id, execution_count`": (
            "test_snapshot_is_kept",
            "test_snapshot_is_full_when_forced_or_after_an_hour",
        ),
        "Packages: `installed_packages`": ("test_packages", "test_every_snapshot_has_an_id_of_its_own"),
        "`health_level`: ≥ 0.9": ("test_health", "test_score"),
        "Whose environment?": ("test_current", "test_report_that_postgresql_cannot_hold_is_held_as_well_as_it_can"),
        "**Reports of a student's side (D)**": (
            "test_report_with_a_class_key_is_tied_to_its_student",
            "test_report_of_a_newcomer_enrols_as_an_event_does",
            "test_report_without_a_key_is_of_a_student_whom_the_caller_sees",
            "test_key_does_not_show_the_servers_environment",
        ),
        "Read leniently:": (
            "test_report_is_read_as_far_as_it_can_be_and_kept_as_given",
            "test_report_that_is_too_large",
        ),
        "**More (D)**": (
            "test_diff_with_what_was_only_looked_at",
            "test_diff_with_so_many_hours_ago",
            "test_diff_of_a_report_is_with_the_students_latest",
        ),
        "A client's snapshot is seen by": ("test_report_of_another_class_does_not_exist",),
        "Health: the score starts at 1": (
            "test_score",
            "test_many_broken_requirements_take_at_most_three_tenths",
            "test_requirements",
        ),
    },
    11: {
        "Commit = version:": ("test_commit", "test_commit_by_the_other_names_and_to_a_branch"),
        "Branch default `main`": ("test_commit", "test_commits_of_a_branch_follow_from_where_it_began"),
        "Snapshot object:": (
            "test_snapshot",
            "test_same_path_and_content_is_the_same_snapshot",
            "test_equal_json_has_one_hash",
            "test_snapshot_fills_in_what_is_missing_and_keeps_what_was_sent",
        ),
        "Version object:": ("test_version",),
        "Cell diff:": ("test_commit_says_what_changed", "test_compare"),
        "Comparison: both ids": ("test_compare",),
        "`message*` clash on commit": ("test_commit",),
        "Other `message` texts": ("test_stats", "test_history", "test_version", "test_latest", "test_compare"),
        "Absent `notebook_content`": ("test_snapshot_without_content_takes_the_newest_known",),
        "**Whose (D)**": (
            "test_a_key_writes_to_its_class_and_reads_nothing_there",
            "test_what_a_key_is_answered_says_nothing_of_a_classmates_work",
            "test_a_key_writes_to_no_other_class",
            "test_an_account_keeps_for_itself_unless_it_names_a_class",
            "test_an_assistant_sees_and_does_not_write",
            "test_commits_and_branches_stay_in_the_history_they_begin_in",
            "test_a_hand_in_is_seen_by_those_who_teach_and_by_no_key",
        ),
        "**More (D)**": (
            "test_compare_other_output_only",
            "test_history_of_large_notebooks_leaves_out_cells",
            "test_compare_what_is_too_much",
            "test_a_hand_in_is_kept_as_a_snapshot_of_its_student",
        ),
        "Optional, non-production (E)": ("test_what_is_optional_and_not_built_is_no_address",),
    },
    15: {
        "Numbers are of all processes": ("test_http_15_metrics", "test_numbers_of_the_pipeline"),
        "Performance is measured": ("test_http_15_performance_is_measured", "test_http_15_performance_ranges"),
        "`queues`, `queue_sizes`": ("test_http_15_worker_status",),
        "A setting that is off": (
            "test_http_15_setting_that_is_off_has_its_default",
            "test_http_15_audit_log_filters",
            "test_http_15_put_setting",
        ),
        "GET `/metrics` (outside": (
            "test_strangers_find_nothing",
            "test_a_token_opens_it_from_anywhere",
            "test_numbers_are_read_with_the_token_as_prometheus_reads_them",
        ),
        "Every answer carries `X-Request-ID`": (
            "test_a_request_has_its_id_in_the_answer_and_in_the_log",
            "test_an_id_that_is_not_well_formed_is_replaced",
        ),
    },
    16: {
        "`time_range`: `1h`": (
            "test_http_16_progress_of_a_span",
            "test_looking_at_one_student_is_recorded",
            "test_http_16_wants_a_token",
        ),
    },
}
