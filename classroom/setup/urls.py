"""The URLs of the set-up pages."""

from django.urls import path

from classroom.setup import (
    connection_views,
    copy_views,
    detail_views,
    register_views,
    roster_views,
    staff_views,
    student_views,
)

SETUP = "classes/<int:class_id>/setup/"

urlpatterns = [
    path("classes/new/", detail_views.new_class, name="class_new"),
    path(SETUP, detail_views.details, name="class_setup"),
    path(f"{SETUP}active/", detail_views.switch, name="class_switch"),
    path(f"{SETUP}copy/", copy_views.copy, name="class_copy"),
    path(f"{SETUP}connection/", connection_views.connection, name="class_connection"),
    path(f"{SETUP}connection/state/", connection_views.state, name="class_connection_state"),
    path(f"{SETUP}connection/keys/", connection_views.make, name="class_key_make"),
    path(f"{SETUP}connection/keys/<int:key_id>/revoke/", connection_views.revoke, name="class_key_revoke"),
    path(f"{SETUP}connection/code/", connection_views.make_class_code, name="class_code_make"),
    path(f"{SETUP}connection/code/end/", connection_views.end_class_code, name="class_code_end"),
    path(f"{SETUP}connection/devices/<int:token_id>/confirm/", connection_views.confirm, name="class_device_confirm"),
    path(f"{SETUP}connection/devices/<int:token_id>/revoke/", connection_views.cut_off, name="class_device_revoke"),
    path(f"{SETUP}students/", student_views.students, name="class_students"),
    path(f"{SETUP}students/<int:student_id>/remove/", student_views.take_out, name="class_student_remove"),
    path(f"{SETUP}students/<int:student_id>/address/", register_views.address, name="class_student_address"),
    path(f"{SETUP}students/edit/", register_views.edit, name="class_students_edit"),
    path(f"{SETUP}students/move/", register_views.move, name="class_students_move"),
    path(f"{SETUP}students/merge/", register_views.merge, name="class_students_merge"),
    path(f"{SETUP}students/import/", roster_views.import_list, name="class_import"),
    path(f"{SETUP}students/list.csv", student_views.download, name="class_students_csv"),
    path(f"{SETUP}students/template.csv", student_views.template, name="class_students_template"),
    path(f"{SETUP}people/", staff_views.people, name="class_staff"),
    path(f"{SETUP}people/invite/", staff_views.invite, name="class_invite"),
    path(f"{SETUP}people/leave/", staff_views.leave, name="class_leave"),
    path(f"{SETUP}people/hand-over/", staff_views.hand_over, name="class_hand_over"),
    path(f"{SETUP}people/<int:account_id>/role/", staff_views.change_role, name="class_staff_role"),
    path(f"{SETUP}people/<int:account_id>/remove/", staff_views.remove, name="class_staff_remove"),
    path(f"{SETUP}people/invitations/<int:invitation_id>/cancel/", staff_views.cancel, name="class_invitation_cancel"),
]
