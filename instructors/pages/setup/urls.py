"""The addresses of the set-up pages."""

from django.urls import path

from instructors.pages.setup import connection, details, roster, staff, students

SETUP = "classes/<int:class_id>/setup/"

urlpatterns = [
    path("classes/new/", details.new_class, name="class_new"),
    path(SETUP, details.details, name="class_setup"),
    path(f"{SETUP}active/", details.switch, name="class_switch"),
    path(f"{SETUP}connection/", connection.connection, name="class_connection"),
    path(f"{SETUP}connection/state/", connection.state, name="class_connection_state"),
    path(f"{SETUP}connection/keys/", connection.make, name="class_key_make"),
    path(f"{SETUP}connection/keys/<int:key_id>/revoke/", connection.revoke, name="class_key_revoke"),
    path(f"{SETUP}students/", students.students, name="class_students"),
    path(f"{SETUP}students/<int:student_id>/remove/", students.take_out, name="class_student_remove"),
    path(f"{SETUP}students/import/", roster.import_list, name="class_import"),
    path(f"{SETUP}students/list.csv", students.download, name="class_students_csv"),
    path(f"{SETUP}students/template.csv", students.template, name="class_students_template"),
    path(f"{SETUP}people/", staff.people, name="class_staff"),
    path(f"{SETUP}people/invite/", staff.invite, name="class_invite"),
    path(f"{SETUP}people/leave/", staff.leave, name="class_leave"),
    path(f"{SETUP}people/hand-over/", staff.hand_over, name="class_hand_over"),
    path(f"{SETUP}people/<int:account_id>/role/", staff.change_role, name="class_staff_role"),
    path(f"{SETUP}people/<int:account_id>/remove/", staff.remove, name="class_staff_remove"),
    path(f"{SETUP}people/invitations/<int:invitation_id>/cancel/", staff.cancel, name="class_invitation_cancel"),
]
