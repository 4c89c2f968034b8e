// One .wast file carried out: its commands in order, as `unbolt-wast` took them apart.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "host.h"
#include "unbolt/base/task.h"
#include "unbolt/component/instance.h"

namespace unbolt::conformance {

// What became of one command.
struct Outcome {
  enum class Status { Passed, Failed } status = Status::Passed;
  std::string why;  // of a failure
};

// Bound to the thread that makes it. Throws where the commands cannot be read.
class Script {
 public:
  // `folder` holds commands.json and the components that it names. `newer_validator`: what is
  // invalid is judged by the validator that took the file apart, instead of ours.
  Script(std::filesystem::path folder, bool newer_validator);

  const nlohmann::json& commands() const { return commands_; }
  Outcome carry_out(const nlohmann::json& command);

 private:
  using File = std::shared_ptr<const component::ComponentFile>;
  struct Live {
    std::unique_ptr<component::Instance> instance;
    // A trap poisons the store; what is called afterwards must say so.
    bool poisoned = false;
  };

  Result<File> load(const nlohmann::json& command) const;
  Outcome define(const nlohmann::json& command);
  Outcome instantiate(const File& file, const std::string& name);
  Outcome invoke(const nlohmann::json& action, const nlohmann::json* expected,
                 const std::string* trap);
  Outcome rejected(const nlohmann::json& command);
  Outcome unlinkable(const nlohmann::json& command);

  std::filesystem::path folder_;
  bool newer_validator_;
  nlohmann::json commands_, verdicts_;

  engine::Engine engine_;
  engine::FiberSupport fibers_;
  component::HostInterfaces host_;
  HostState state_;  // outlives the instances, whose resources tell it that they are gone
  asio::io_context loop_;
  std::map<std::string, File> files_;
  std::map<std::string, std::shared_ptr<Live>> instances_;
  File last_file_;
  std::shared_ptr<Live> last_;
};

}  // namespace unbolt::conformance
