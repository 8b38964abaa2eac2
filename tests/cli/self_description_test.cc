// SPDX-License-Identifier: Apache-2.0
//
// Manual pages and shell completions: other programs read them, so they judge.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/completion.h"
#include "cli/generator_commands.h"
#include "cli/man_page.h"
#include "cli/markdown.h"

namespace immudb {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Ended {
  int code = -1;
  std::string text;  // stdout and stderr
};

Ended Call(const std::string& command) {
  Ended ended;
  FILE* pipe = ::popen(("exec 2>&1; " + command).c_str(), "r");
  std::array<char, 4096> buffer{};
  for (size_t n = 1; n > 0;) {
    n = std::fread(buffer.data(), 1, buffer.size(), pipe);
    ended.text.append(buffer.data(), n);
  }
  const int status = ::pclose(pipe);
  ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ended;
}

// All that a table can say, with characters that roff and shells would take for theirs.
ProgramSpec Program() {
  ProgramSpec program = {
      .name = "prog",
      .summary = "Prog does it - here's how.",
      .options = {{.name = "port",
                   .short_name = 'p',
                   .type = OptionType::kInt,
                   .default_value = "3322",
                   .help = "port [number]: it's one"},
                  {.name = "output",
                   .default_value = "text",
                   .help = "form\\kind of output",
                   .choices = {"text", "json", "jsonl"}},
                  {.name = "verbose",
                   .type = OptionType::kBool,
                   .default_value = "false",
                   .help = ".more to say"},
                  {.name = "password", .default_value = "swordfish", .secret = true},
                  {.name = "config"}},
      .commands = {{.name = "scan",
                    .alias = "scn",
                    .arguments = "prefix",
                    .min_arguments = 1,
                    .max_arguments = 1,
                    .help = "List: what's there",
                    .options = {{.name = "limit",
                                 .type = OptionType::kInt,
                                 .default_value = "100",
                                 .help = "at most so many"},
                                {.name = "order", .help = "which way", .choices = {"up", "down"}}}},
                   {.name = "set", .help = "Set"}}};
  for (auto& command : GeneratorCommands()) program.commands.push_back(std::move(command));
  return program;
}

class SelfDescription : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "immudb_describe_XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string Write(const std::string& name, const std::string& content) const {
    std::ofstream(directory_ + '/' + name) << content;
    return directory_ + '/' + name;
  }
  // What bash offers when Tab is pressed behind these words, the last one being begun.
  std::string Offered(const std::vector<std::string>& words) const {
    std::string script = *CompletionScript(Program(), "bash") + "COMP_WORDS=(";
    for (const auto& word : words) script += " '" + word + "'";
    script += ")\nCOMP_CWORD=" + std::to_string(words.size() - 1) +
              "\nset -u\n_prog\necho \"${COMPREPLY[@]-}\"\n";
    const Ended ended = Call("bash --norc " + Write("script.bash", script));
    EXPECT_EQ(ended.code, 0) << ended.text;
    return ended.text;
  }
  void ExpectSyntax(const std::string& shell) const {
    const std::string path = Write("script", *CompletionScript(Program(), shell));
    const Ended checked = Call(shell + " -n " + path);
    EXPECT_EQ(checked.code, 0) << checked.text;
    EXPECT_EQ(checked.text, "");
  }
  std::string directory_;
};

TEST_F(SelfDescription, ThePageIsRightRoff) {
  const std::string page = Write("prog.1", ManPage(Program(), "0.1.0", "2020-08-17"));
  const Ended lint = Call("mandoc -T lint -W warning " + page);
  EXPECT_EQ(lint.code, 0) << lint.text;
}

TEST_F(SelfDescription, ThePageSaysWhatTheTableSays) {
  const std::string page = Write("prog.1", ManPage(Program(), "0.1.0", "2020-08-17"));
  const std::string shown = Call("mandoc -T ascii " + page + " | sed 's/.\\x08//g'").text;
  EXPECT_THAT(shown, AllOf(HasSubstr("-p, --port=number"), HasSubstr("it's one.  Default: 3322"),
                           HasSubstr("Form\\kind"), HasSubstr("text, json, jsonl"),
                           HasSubstr(".more to say"), HasSubstr("PROG_PORT")));
  EXPECT_THAT(shown, AllOf(HasSubstr("scan prefix"), HasSubstr("--limit=number"),
                           HasSubstr("Short: scn"), HasSubstr("prog.toml")));
  EXPECT_THAT(shown, AllOf(Not(HasSubstr("swordfish")), Not(HasSubstr("mangen"))));
}

TEST_F(SelfDescription, BashCompletesCommandsFlagsAndValues) {
  EXPECT_EQ(Offered({"prog", ""}), "scan set completion help version\n");
  EXPECT_EQ(Offered({"prog", "s"}), "scan set\n");
  EXPECT_EQ(Offered({"prog", "-p", "1", "sc"}), "scan\n");
  EXPECT_EQ(Offered({"prog", "--port", "=", "1", "sc"}), "scan\n");
  EXPECT_EQ(Offered({"prog", "--po"}), "--port\n");
  EXPECT_EQ(Offered({"prog", "--output", "="}), "text json jsonl\n");
  EXPECT_EQ(Offered({"prog", "--output", "=", "js"}), "json jsonl\n");
  EXPECT_EQ(Offered({"prog", "--output", "te"}), "text\n");
  EXPECT_EQ(Offered({"prog", "--verbose", "=", "f"}), "false\n");
  EXPECT_EQ(Offered({"prog", "--config", "x"}), "\n");  // files, by bash itself
}

TEST_F(SelfDescription, BashKnowsWhichFlagBelongsToWhichCommand) {
  EXPECT_EQ(Offered({"prog", "scan", "--l"}), "--limit\n");
  EXPECT_EQ(Offered({"prog", "scn", "p", "--l"}), "--limit\n");
  EXPECT_EQ(Offered({"prog", "set", "--l"}), "\n");
  EXPECT_EQ(Offered({"prog", "scan", "--order", "=", ""}), "up down\n");
  EXPECT_EQ(Offered({"prog", "help", "sc"}), "scan\n");
  EXPECT_EQ(Offered({"prog", "completion", ""}), "bash zsh fish\n");
}

// A syntax error would be shown at every start of the user's shell.
TEST_F(SelfDescription, BashReadsItsScript) {
  ExpectSyntax("bash");
}
TEST_F(SelfDescription, ZshReadsItsScript) {
  ExpectSyntax("zsh");
}
TEST_F(SelfDescription, FishReadsItsScript) {
  ExpectSyntax("fish");
}

// The pages of docs/ are made of these.
TEST(Markdown, SaysWhatTheTableSays) {
  ProgramSpec program = Program();
  program.options.push_back({.name = "rate",
                             .type = OptionType::kSize,
                             .default_value = "4MiB",
                             .help = "a|b of <file> and *",
                             .min = 100,
                             .max = int64_t{1} << 50});
  program.options.push_back({.name = "pause", .type = OptionType::kDuration, .min = 90'000});
  program.options.push_back(
      {.name = "wait", .type = OptionType::kDuration, .max = 7'200'000, .flag_only = true});
  EXPECT_EQ(
      MarkdownOptions(program),
      "| option | environment | value | default | meaning |\n"
      "| --- | --- | --- | --- | --- |\n"
      "| `--port`, `-p` | `PROG_PORT` | number | `3322` | port [number]: it's one |\n"
      "| `--output` | `PROG_OUTPUT` | `text`, `json`, `jsonl` | `text` | form\\\\kind of output |\n"
      "| `--verbose` | `PROG_VERBOSE` | `true`, `false` | `false` | .more to say |\n"
      "| `--password` | `PROG_PASSWORD` | text | | |\n"
      "| `--config` | `PROG_CONFIG` | text | | |\n"
      "| `--rate` | `PROG_RATE` | size, 100B to 1024TiB | `4MiB` | a\\|b of \\<file> and \\* |\n"
      "| `--pause` | `PROG_PAUSE` | duration, at least 90s | | |\n"
      "| `--wait` | | duration, at most 2h | | |\n");
  EXPECT_EQ(
      MarkdownCommands(program),
      "| command | short | meaning |\n"
      "| --- | --- | --- |\n"
      "| `scan prefix` | `scn` | List: what's there |\n"
      "| `set` | | Set |\n"
      "| `completion bash\\|zsh\\|fish` | | Print the script that completes commands and flags in "
      "a shell |\n"
      "\n"
      "Options of `scan`:\n"
      "\n"
      "| option | value | default | meaning |\n"
      "| --- | --- | --- | --- |\n"
      "| `--limit` | number | `100` | at most so many |\n"
      "| `--order` | `up`, `down` | | which way |\n");
}

TEST_F(SelfDescription, CommandsWriteThem) {
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(RunGenerator(Program(), {"completion", "fish"}, out, err), 0);
  EXPECT_EQ(out.str(), *CompletionScript(Program(), "fish"));
  EXPECT_EQ(RunGenerator(Program(), {"completion", "tcsh"}, out, err), 2);
  EXPECT_THAT(err.str(), HasSubstr("bash, zsh and fish"));
  EXPECT_EQ(RunGenerator(Program(), {"mangen", directory_ + "/man"}, out, err), 0);
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/man/prog.1"));
  EXPECT_EQ(RunGenerator(Program(), {"mangen", "/dev/null/man"}, out, err), 1);
  out.str("");
  EXPECT_EQ(RunGenerator(Program(), {"mdgen", "options"}, out, err), 0);
  EXPECT_EQ(out.str(), MarkdownOptions(Program()));
  EXPECT_EQ(RunGenerator(Program(), {"mdgen", "nothing"}, out, err), 2);
  EXPECT_EQ(RunGenerator(Program(), {"set"}, out, err), std::nullopt);
  EXPECT_EQ(RunGenerator(Program(), {"completion"}, out, err), std::nullopt);
  EXPECT_EQ(RunGenerator(Program(), {"completion", "--help"}, out, err), std::nullopt);
}

// What packages install.
TEST_F(SelfDescription, PagesOfOurProgramsAreRight) {
  for (const std::string program : {"immudb", "immuclient"}) {
    const std::string binary = IMMUDB_BIN_DIR "/" + program;
    ASSERT_EQ(Call(binary + " mangen " + directory_).code, 0);
    const Ended lint = Call("mandoc -T lint -W warning " + directory_ + '/' + program + ".1");
    EXPECT_EQ(lint.code, 0) << lint.text;
    EXPECT_EQ(Call(binary + " completion bash | bash -n").code, 0);
    EXPECT_THAT(Call(binary + " --help").text,
                AllOf(HasSubstr("completion bash|zsh|fish"), Not(HasSubstr("mangen"))));
  }
}

}  // namespace
}  // namespace immudb
