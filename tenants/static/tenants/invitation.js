// An invitation's token follows the # of its link. It is posted once, and taken off the address and its history.
"use strict";

const token = location.hash.slice(1);
if (token) {
  const form = document.getElementById("open-link");
  history.replaceState(null, "", location.pathname);
  form.elements.token.value = token;
  form.submit();
}
