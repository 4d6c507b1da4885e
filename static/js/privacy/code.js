// A code may come after the # of the address, which no browser sends. It is put into the form, and out of the address;
// the person presses the button.
const code = decodeURIComponent(location.hash.slice(1));
if (code) {
  document.getElementById("code").value = code;
  history.replaceState(null, "", location.pathname);
  document.querySelector("main form button").focus();
}
