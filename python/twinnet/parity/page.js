// The table of tensors shows what is asked for, and a link to a piece of code opens it.
const only = document.getElementById("only-apart");
const part = document.getElementById("name-contains");
const rows = [...document.querySelectorAll("#tensors tbody tr")];

function show() {
  const wanted = part.value.toLowerCase();
  for (const row of rows) {
    const named = row.cells[0].textContent.toLowerCase().includes(wanted);
    row.hidden = !named || (only.checked && row.dataset.status === "identical");
  }
}

function openTarget() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (target && target.tagName === "DETAILS") target.open = true;
}

only.addEventListener("change", show);
part.addEventListener("input", show);
addEventListener("hashchange", openTarget);
openTarget();
