// `unbolt new`: begins a project; `unbolt doctor`: what the machine has to build it with.
#pragma once

#include <string>

namespace unbolt::cli {

struct NewOptions {
  std::string name;  // of the project, and of the folder that is made
  std::string language = "cpp";
  std::string kind = "http";
};
int new_command(const NewOptions& options);

struct DoctorOptions {
  std::string output = "text";
};
// Done also where tools are missing: nobody needs all of them.
int doctor_command(const DoctorOptions& options);

}  // namespace unbolt::cli
