#include "unbolt/cli/sealing.h"

namespace unbolt::cli {
namespace {

void add_output(CLI::App& command, std::string& output) {
  command.add_option("-o,--output", output, "Form of the answer")
      ->type_name("text|json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

void add_times(CLI::App& command, std::string& expires, std::string& not_before) {
  command.add_option("--expires", expires, "Until when: 90d, 12h, or a date of UTC as 2027-01-31")
      ->type_name("TIME");
  command.add_option("--not-before", not_before, "From when, as --expires")->type_name("TIME");
}

}  // namespace

CLI::App& Sealing::add(CLI::App& parent, const char* name, const char* what,
                       std::function<int()> command) {
  CLI::App* added = parent.add_subcommand(name, what);
  commands_.emplace_back(added, std::move(command));
  return *added;
}

void Sealing::add_keys(CLI::App& app) {
  auto& keys =
      *app.add_subcommand("keys", "Make, list and show the keys that components are signed with");
  keys.require_subcommand(1);
  auto& make = add(keys, "new", "Make a key, and keep it where only you can read it",
                   [this] { return new_key_command(new_key_); });
  make.add_option("KIND", new_key_.kind, "account (signs components), component, host or operator")
      ->type_name("KIND")
      ->capture_default_str();
  make.add_option("NAME", new_key_.name, "What you call it; default: as its kind");
  add_output(make, new_key_.output);
  auto& list = add(keys, "list", "List the keys by name, with their public keys",
                   [this] { return list_keys_command(list_keys_); });
  add_output(list, list_keys_.output);
  auto& show = add(keys, "show", "Print the public key of a key",
                   [this] { return show_key_command(show_key_); });
  show.add_option("NAME", show_key_.name, "The key: its name or public key")->required();
  show.add_flag("--secret", show_key_.secret, "Print its seed: who has that can sign as you");
  auto& vouch = add(keys, "vouch", "Print an operator's word for an account: sign --chain takes it",
                    [this] { return vouch_command(vouch_); });
  vouch.add_option("ACCOUNT", vouch_.account, "The account: a key's name, or a public key")
      ->required();
  vouch.add_option("--issuer", vouch_.issuer, "The operator's key")->type_name("KEY")->required();
  vouch.add_option("--name", vouch_.name, "What the account is called")->type_name("NAME");
  vouch.add_option("--signer", vouch_.signers, "Another key that may sign for the account")
      ->type_name("KEY")
      ->allow_extra_args(false);
  add_times(vouch, vouch_.expires, vouch_.not_before);
}

void Sealing::add_sign(CLI::App& app) {
  auto& sign = add(app, "sign", "Put signed claims into a component: who made it, what it may do",
                   [this] { return sign_command(sign_); });
  sign.add_option("FILE", sign_.file, "The component")->required();
  sign.add_option("--issuer", sign_.issuer,
                  "Your account's key: its name, public key, or a file with its seed")
      ->type_name("KEY")
      ->required();
  sign.add_option("--subject", sign_.subject,
                  "The component's own key; default: as it was signed before, or one of its name")
      ->type_name("KEY");
  sign.add_option("--name", sign_.name, "What it is called; default: as the file")
      ->type_name("NAME");
  sign.add_option("--version", sign_.version, "Its version, for people")->type_name("TEXT");
  sign.add_option("--revision", sign_.revision, "A number that grows")->type_name("N");
  sign.add_option("--tags", sign_.tags, "Words about it, with commas between them")
      ->type_name("TAG,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  add_times(sign, sign_.expires, sign_.not_before);
  sign.add_option("--grant", sign_.grants,
                  "What it may do: 'wasi:keyvalue/store{get} bucket=a-*'; see docs/grants.md")
      ->type_name("GRANT")
      ->allow_extra_args(false);
  sign.add_flag("--grant-imports", sign_.grant_imports,
                "Grant all that it imports and no --grant is about");
  sign.add_option("--chain", sign_.chain, "The operator's word for the account, of keys vouch")
      ->type_name("FILE");
  sign.add_option("-o,--out", sign_.out, "The signed component; default: in its place")
      ->type_name("FILE");
}

void Sealing::add_verify(CLI::App& app) {
  auto& verify = add(app, "verify", "Check that a component is what its issuer signed",
                     [this] { return verify_command(verify_); });
  verify.add_option("FILE", verify_.file, "The component")->required();
  verify
      .add_option("--trust", verify_.trusted,
                  "An account or operator that is trusted; default: whoever signed")
      ->type_name("KEY")
      ->allow_extra_args(false);
  add_output(verify, verify_.output);
}

void Sealing::add_diff(CLI::App& app) {
  auto& diff = add(app, "diff",
                   "Show what a new revision imports, exports and may do that the old one did not",
                   [this] { return diff_command(diff_); });
  diff.add_option("OLD", diff_.before, "The component as it was")->required();
  diff.add_option("NEW", diff_.after, "The component as it is to be")->required();
  diff.add_flag("--strict", diff_.strict,
                "Exit with 1 where it needs or may do more than before, or gives less");
  add_output(diff, diff_.output);
}

Sealing::Sealing(CLI::App& app) {
  add_keys(app);
  add_sign(app);
  add_verify(app);
  add_diff(app);
}

std::optional<int> Sealing::run() const {
  for (const auto& [command, perform] : commands_) {
    if (command->parsed()) return perform();
  }
  return std::nullopt;
}

}  // namespace unbolt::cli
