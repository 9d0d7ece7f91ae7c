// Shows the answers of the server's own routes; the status is asked for again every two seconds.
async function show(id, path, options) {
  const place = document.getElementById(id);
  try {
    const answer = await fetch(path, options);
    const text = await answer.text();
    const json = (answer.headers.get("Content-Type") || "").startsWith("application/json");
    place.textContent = json ? JSON.stringify(JSON.parse(text), null, 2) : text;
    place.dataset.state = answer.ok ? "ok" : "failed";
  } catch (error) {
    place.textContent = String(error);
    place.dataset.state = "failed";
  }
}

document.getElementById("echo-form").addEventListener("submit", (event) => {
  event.preventDefault();
  show("echo", "/api/echo", { method: "POST", body: document.getElementById("echo-text").value });
});

show("hello", "/api/hello");
show("status", "/api/status");
setInterval(() => show("status", "/api/status"), 2000);
