# cmake -DFOLDER=... -DOUTPUT=... -P embed.cmake: the dashboard's files as C++, for worker/admin/dashboard_files.h.
set(code "#include \"worker/admin/dashboard_files.h\"\n\nnamespace holdfast::admin {\n\nconst DashboardFile kDashboardFiles[4] = {\n")
set(all "")

macro(embed path file type)
  file(READ "${FOLDER}/${file}" content)
  string(APPEND all "${content}")
  string(APPEND code "    {\"${path}\", \"${type}\", R\"~~(${content})~~\"},\n")
endmacro()

embed("/" dashboard.html "text/html$<SEMICOLON> charset=utf-8")
embed("/dashboard.css" dashboard.css "text/css$<SEMICOLON> charset=utf-8")
embed("/dashboard.js" dashboard.js "text/javascript$<SEMICOLON> charset=utf-8")
embed("/dashboard.svg" dashboard.svg "image/svg+xml")
string(REPLACE "$<SEMICOLON>" ";" code "${code}")

string(SHA256 version "${all}")
string(SUBSTRING "${version}" 0 16 version)
string(APPEND code "};\nconst std::string_view kDashboardVersion = \"${version}\";\n\n}  // namespace holdfast::admin\n")
file(WRITE "${OUTPUT}" "${code}")
