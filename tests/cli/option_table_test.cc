// SPDX-License-Identifier: Apache-2.0
#include "cli/option_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace immudb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

ProgramSpec Sample() {
  return {
      .name = "sample",
      .summary = "a program",
      .options =
          {{.name = "dir", .short_name = 'd', .default_value = "./data"},
           {.name = "port",
            .short_name = 'p',
            .type = OptionType::kInt,
            .default_value = "3322",
            .min = 0,
            .max = 65535},
           {.name = "auth", .short_name = 's', .type = OptionType::kBool, .default_value = "true"},
           {.name = "cache-size", .type = OptionType::kSize, .default_value = "64MiB", .min = 1024},
           {.name = "life-time", .type = OptionType::kDuration, .default_value = "1h"},
           {.name = "pause",
            .type = OptionType::kDuration,
            .default_value = "1ms",
            .min = 1,
            .max = 1000},
           {.name = "network", .default_value = "tcp", .choices = {"tcp", "unix"}},
           {.name = "password", .default_value = "opensesame", .secret = true},
           ConfigOption("sample"),
           PrintConfigOption()},
      .commands = {{.name = "get",
                    .alias = "g",
                    .arguments = "key",
                    .min_arguments = 1,
                    .max_arguments = 1,
                    .help = "Get an item"},
                   {.name = "zadd",
                    .arguments = "set score key",
                    .min_arguments = 3,
                    .max_arguments = 3,
                    .help = "Add a member"}}};
}

class OptionTable : public testing::Test {
 protected:
  void SetUp() override {
    root_ =
        std::filesystem::path(testing::TempDir()) /
        ("options_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::remove_all(root_);
    for (const char* name : {"configs", "etc", "home"}) {
      std::filesystem::create_directories(root_ / name);
      around_.config_directories.push_back((root_ / name).string());
    }
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::string Write(const std::string& name, const std::string& content) {
    auto path = (root_ / name).string();
    std::ofstream(path) << content;
    return path;
  }

  Result<Invocation> Parse(const std::vector<std::string>& arguments) {
    return ParseCommandLine(Sample(), arguments, around_);
  }
  std::string ErrorOf(const std::vector<std::string>& arguments) {
    return Parse(arguments).status().message();
  }

  std::filesystem::path root_;
  Surroundings around_;
};

TEST_F(OptionTable, DefaultsApplyWhenNothingIsSet) {
  const auto parsed = Parse({});
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_EQ(parsed->settings.Text("dir"), "./data");
  EXPECT_EQ(parsed->settings.Int("port"), 3322);
  EXPECT_TRUE(parsed->settings.Bool("auth"));
  EXPECT_EQ(parsed->settings.Size("cache-size"), size_t{64} << 20);
  EXPECT_EQ(parsed->settings.Duration("life-time"), std::chrono::hours(1));
  EXPECT_EQ(parsed->settings.origin("port"), OptionOrigin::kDefault);
  EXPECT_EQ(parsed->settings.config_file(), "");
}

// For each type, every pair of neighbouring sources: a user's flag must not lose to a forgotten
// file.
struct Layers {
  const char* option;
  const char* variable;
  const char* file_text;
  const char* environment_text;
  const char* flag_text;
};

class Precedence : public OptionTable, public testing::WithParamInterface<Layers> {
 protected:
  static std::variant<std::string, bool, int64_t> Read(const Settings& settings,
                                                       const std::string& name) {
    if (name == "dir") return settings.Text(name);
    if (name == "auth") return settings.Bool(name);
    if (name == "life-time") return int64_t{settings.Duration(name).count()};
    return settings.Int(name);
  }
  // The value that `text` has when it is the only thing given.
  std::variant<std::string, bool, int64_t> Alone(const std::string& text) {
    const auto parsed = ParseCommandLine(
        Sample(), {std::string("--") + GetParam().option + "=" + text}, Surroundings{});
    EXPECT_TRUE(parsed.ok()) << parsed.status().ToString();
    return Read(parsed->settings, GetParam().option);
  }
  void Expect(const std::vector<std::string>& arguments, const std::string& text,
              OptionOrigin origin) {
    const auto parsed = Parse(arguments);
    ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
    EXPECT_EQ(Read(parsed->settings, GetParam().option), Alone(text));
    EXPECT_EQ(parsed->settings.origin(GetParam().option), origin);
  }
};

TEST_P(Precedence, FlagThenEnvironmentThenFile) {
  const auto& layer = GetParam();
  const std::string flag = std::string("--") + layer.option + "=" + layer.flag_text;
  for (const char* suffix : {".toml", ".ini"}) {
    around_.environment.clear();
    const auto path = Write(std::string("chosen") + suffix,
                            std::string(layer.option) + " = \"" + layer.file_text + "\"\n");
    Expect({"--config", path}, layer.file_text, OptionOrigin::kFile);
    Expect({"--config", path, flag}, layer.flag_text, OptionOrigin::kFlag);
    around_.environment[layer.variable] = layer.environment_text;
    Expect({"--config", path}, layer.environment_text, OptionOrigin::kEnvironment);
    Expect({}, layer.environment_text, OptionOrigin::kEnvironment);
    Expect({"--config", path, flag}, layer.flag_text, OptionOrigin::kFlag);
    around_.environment[layer.variable] = "";
    Expect({"--config", path}, layer.file_text, OptionOrigin::kFile);
  }
}

INSTANTIATE_TEST_SUITE_P(
    EveryType, Precedence,
    testing::Values(Layers{"dir", "SAMPLE_DIR", "/file", "/environment", "/flag"},
                    Layers{"port", "SAMPLE_PORT", "1", "2", "3"},
                    Layers{"auth", "SAMPLE_AUTH", "false", "true", "false"},
                    Layers{"cache-size", "SAMPLE_CACHE_SIZE", "1MiB", "2MiB", "3GiB"},
                    Layers{"life-time", "SAMPLE_LIFE_TIME", "1m", "1h30m", "500ms"}));

TEST_F(OptionTable, FilesAreSearchedInOrder) {
  Write("home/sample.ini", "port = 6");
  EXPECT_EQ(Parse({})->settings.Int("port"), 6);
  Write("home/sample.toml", "port = 5");
  EXPECT_EQ(Parse({})->settings.Int("port"), 5);
  Write("etc/sample.ini", "port = 4");
  EXPECT_EQ(Parse({})->settings.Int("port"), 4);
  Write("configs/sample.ini", "port = 3");
  EXPECT_EQ(Parse({})->settings.Int("port"), 3);
  const auto path = Write("configs/sample.toml", "port = 2");
  EXPECT_EQ(Parse({})->settings.Int("port"), 2);
  EXPECT_EQ(Parse({})->settings.config_file(), path);
}

TEST_F(OptionTable, TheFileCanBeNamedByTheEnvironment) {
  around_.environment["SAMPLE_CONFIG"] = Write("other.toml", "port = 9");
  EXPECT_EQ(Parse({})->settings.Int("port"), 9);
}

TEST_F(OptionTable, ANamedFileThatIsMissingIsAnError) {
  const auto parsed = Parse({"--config", "/nonexistent/x.toml"});
  EXPECT_EQ(parsed.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(parsed.status().message(), HasSubstr("/nonexistent/x.toml"));
}

TEST_F(OptionTable, WrongFilesAreRefusedByNameAndLine) {
  const auto expect = [this](const std::string& content, const std::string& part) {
    const auto path = Write("wrong.toml", content);
    const auto parsed = Parse({"--config", path});
    EXPECT_EQ(parsed.status().code(), StatusCode::kFailedPrecondition) << content;
    EXPECT_THAT(parsed.status().message(), HasSubstr(path));
    EXPECT_THAT(parsed.status().message(), HasSubstr(part));
    EXPECT_THAT(parsed.status().message(), Not(HasSubstr("\n")));
  };
  expect("mtls = true\n", "unknown option mtls");
  expect("\nport = \"x1\"\n", "line 2");
  expect("\nport = \"x1\"\n", "x1");
  expect("config = \"other.toml\"\n", "unknown option config");
  expect("this is no setting\n", "line 1");
}

TEST_F(OptionTable, UnknownFlagsAreRefusedByName) {
  EXPECT_EQ(ErrorOf({"--mtls"}), "unknown option --mtls");
  EXPECT_EQ(ErrorOf({"--mtls=true"}), "unknown option --mtls");
  EXPECT_EQ(ErrorOf({"-z"}), "unknown option -z");
  EXPECT_EQ(Parse({"--mtls"}).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(OptionTable, BadValuesNameOptionOriginAndValue) {
  EXPECT_EQ(ErrorOf({"--port=33x"}), "option port (flag --port): \"33x\" is not a whole number");
  EXPECT_EQ(ErrorOf({"--port", "70000"}), "option port (flag --port): \"70000\" is above 65535");
  EXPECT_EQ(ErrorOf({"--port=-1"}), "option port (flag --port): \"-1\" is below 0");
  EXPECT_EQ(ErrorOf({"--auth=perhaps"}),
            "option auth (flag --auth): \"perhaps\" is neither true nor false");
  EXPECT_THAT(ErrorOf({"--cache-size=1XB"}), HasSubstr("\"1XB\" is not a size"));
  EXPECT_THAT(ErrorOf({"--cache-size=99999999999TiB"}), HasSubstr("is not a size"));
  EXPECT_THAT(ErrorOf({"--cache-size=1"}), HasSubstr("below 1024 bytes"));
  EXPECT_THAT(ErrorOf({"--life-time=5"}), HasSubstr("\"5\" is not a duration"));
  EXPECT_THAT(ErrorOf({"--network=udp"}), HasSubstr("tcp, unix"));
  around_.environment["SAMPLE_PORT"] = "tcp://10.0.0.1:3322";  // what Kubernetes sets
  EXPECT_THAT(ErrorOf({}), HasSubstr("environment variable SAMPLE_PORT"));
}

TEST_F(OptionTable, DurationsAreExactToTheMicrosecond) {
  const auto microseconds = [this](const std::string& text) {
    const auto parsed = Parse({"--life-time=" + text});
    EXPECT_TRUE(parsed.ok()) << parsed.status().ToString();
    return parsed->settings.Microseconds("life-time").count();
  };
  EXPECT_EQ(microseconds("0"), 0);
  EXPECT_EQ(microseconds("0s"), 0);
  EXPECT_EQ(microseconds("1us"), 1);
  EXPECT_EQ(microseconds("1ms500us"), 1500);
  EXPECT_EQ(microseconds("1h"), 3'600'000'000);
  EXPECT_EQ(Parse({"--life-time=1ms500us"})->settings.Duration("life-time"),
            std::chrono::milliseconds(1));
  // The bounds are milliseconds.
  EXPECT_THAT(ErrorOf({"--pause=999us"}), HasSubstr("\"999us\" is below 1ms"));
  EXPECT_THAT(ErrorOf({"--pause=1s1us"}), HasSubstr("\"1s1us\" is above 1000ms"));
  EXPECT_TRUE(Parse({"--pause=1s"}).ok());
}

TEST_F(OptionTable, BoolsMayBeWrittenInEveryUsualWay) {
  EXPECT_FALSE(Parse({"--auth=false"})->settings.Bool("auth"));
  EXPECT_FALSE(Parse({"-s=false"})->settings.Bool("auth"));
  EXPECT_TRUE(Parse({"--auth=false", "--auth"})->settings.Bool("auth"));
  EXPECT_TRUE(Parse({"-s"})->settings.Bool("auth"));
  EXPECT_FALSE(Parse({"--auth=OFF"})->settings.Bool("auth"));
}

TEST_F(OptionTable, ShortFlagsTakeTheirValueInEveryUsualWay) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"-p", "7"}, {"-p7"}, {"-p=7"}, {"--port", "7"}, {"--port=7"}}) {
    const auto parsed = Parse(arguments);
    ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
    EXPECT_EQ(parsed->settings.Int("port"), 7);
  }
  EXPECT_THAT(ErrorOf({"--port"}), HasSubstr("--port"));
  EXPECT_THAT(ErrorOf({"--dir=", "get"}), HasSubstr("--dir needs a value"));
}

TEST_F(OptionTable, CommandsAreFoundByNameAndAliasWithFlagsAnywhere) {
  const auto parsed = Parse({"-p", "1", "g", "k", "--auth=false"});
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_EQ(parsed->command, "get");
  EXPECT_THAT(parsed->arguments, ElementsAre("k"));
  EXPECT_EQ(parsed->settings.Int("port"), 1);
  EXPECT_FALSE(parsed->settings.Bool("auth"));
}

TEST_F(OptionTable, ArgumentsReachTheCommandUnchanged) {
  EXPECT_THAT(Parse({"get", "[a,b]"})->arguments, ElementsAre("[a,b]"));
  EXPECT_THAT(Parse({"get", "a b=c,d"})->arguments, ElementsAre("a b=c,d"));
  EXPECT_THAT(Parse({"zadd", "set", "-1.5", "k"})->arguments, ElementsAre("set", "-1.5", "k"));
  EXPECT_THAT(Parse({"get", "--", "--port"})->arguments, ElementsAre("--port"));
  EXPECT_THAT(Parse({"get", ""})->arguments, ElementsAre(""));
}

TEST_F(OptionTable, WrongCommandsSayWhatIsWrong) {
  EXPECT_EQ(ErrorOf({"fetch"}), "unknown command \"fetch\" for \"sample\"");
  EXPECT_THAT(ErrorOf({"get"}), HasSubstr("get accepts 1 argument(s), received 0"));
  EXPECT_THAT(ErrorOf({"get", "a", "b"}), HasSubstr("received 2"));
}

TEST_F(OptionTable, HelpAndVersionWorkEvenWithABrokenFile) {
  Write("configs/sample.toml", "broken");
  for (const char* word : {"help", "--help", "-h"}) {
    const auto parsed = Parse({word});
    ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
    EXPECT_TRUE(parsed->help);
  }
  EXPECT_TRUE(Parse({"version"})->version);
  EXPECT_TRUE(Parse({"--version"})->version);
  EXPECT_TRUE(Parse({"get", "--help"})->help);
}

TEST_F(OptionTable, HelpNamesFlagsDefaultsAndVariablesButNoSecret) {
  const std::string text = HelpText(Sample());
  for (const char* part :
       {"-p, --port int", "(default 3322)", "SAMPLE_CACHE_SIZE=64MiB", "get key", "--password"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  EXPECT_THAT(text, Not(HasSubstr("opensesame")));
  EXPECT_THAT(HelpText(Sample(), "g"), HasSubstr("sample get key"));
}

TEST_F(OptionTable, TheListingShowsValueAndOriginInColumns) {
  const auto path = Write("other.ini", "port = 7\nauth = off\n");
  around_.environment["SAMPLE_DIR"] = "/two\nlines";
  const auto parsed = Parse({"--config", path, "--life-time=90s", "--password=Hidden1!"});
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  const auto row = [&](const std::string& name, std::string value, const std::string& origin) {
    value.resize(path.size() + 2, ' ');
    return name + std::string(12 - name.size(), ' ') + value + origin + '\n';
  };
  EXPECT_EQ(ConfigListing(Sample(), parsed->settings),
            row("dir", "/two\\x0alines", "environment SAMPLE_DIR") +
                row("port", "7", "file " + path) + row("auth", "false", "file " + path) +
                row("cache-size", "64MiB", "default") + row("life-time", "90s", "flag") +
                row("pause", "1ms", "default") + row("network", "tcp", "default") +
                row("password", "********", "flag") + row("config", path, "flag"));
}

TEST_F(OptionTable, AFlagOnlyOptionHasNoOtherSource) {
  around_.environment["SAMPLE_PRINT_CONFIG"] = "true";
  const auto parsed = Parse({});
  EXPECT_FALSE(parsed->settings.Bool("print-config"));
  EXPECT_THAT(parsed->warnings, ElementsAre(HasSubstr("SAMPLE_PRINT_CONFIG names no option")));
  EXPECT_TRUE(Parse({"--print-config"})->settings.Bool("print-config"));
  EXPECT_THAT(ErrorOf({"--config", Write("p.ini", "print-config = true\n")}),
              HasSubstr("unknown option print-config"));
  EXPECT_THAT(HelpText(Sample()), Not(HasSubstr("SAMPLE_PRINT_CONFIG")));
}

TEST_F(OptionTable, HelpTopicsAreCommands) {
  for (const char* topic : {"get", "g", "help", "version"}) {
    EXPECT_TRUE(Parse({"help", topic}).ok()) << topic;
  }
  EXPECT_EQ(ErrorOf({"help", "fetch"}), "unknown help topic \"fetch\" for \"sample\"");
  EXPECT_THAT(HelpText(Sample(), "version"), HasSubstr("Show the sample version"));
}

TEST_F(OptionTable, UnknownVariablesAreWarnedOf) {
  around_.environment = {{"SAMPLE_ATUH", "true"}, {"OTHER", "1"}, {"SAMPLE_PORT", "1"}};
  EXPECT_THAT(Parse({})->warnings,
              ElementsAre("environment variable SAMPLE_ATUH names no option: ignored"));
}

// Command lines stand in the process list; environment and files do not.
TEST_F(OptionTable, ASecretOnTheCommandLineIsWarnedOf) {
  const auto given = Parse({"--password=hidden"})->warnings;
  EXPECT_THAT(given,
              ElementsAre("option password: on a command line every user of this machine can "
                          "read it; use environment variable SAMPLE_PASSWORD"));
  ProgramSpec program = Sample();
  program.options.push_back({.name = "password-file"});
  EXPECT_THAT(ParseCommandLine(program, {"--password", "hidden"}, around_)->warnings,
              ElementsAre(HasSubstr("use option password-file or environment variable")));
  around_.environment = {{"SAMPLE_PASSWORD", "hidden"}};
  EXPECT_THAT(Parse({})->warnings, testing::IsEmpty());
}

// Two commands that share an option, and one without any.
ProgramSpec WithCommandOptions() {
  ProgramSpec program = Sample();
  const OptionSpec limit{
      .name = "limit", .type = OptionType::kInt, .default_value = "7", .help = "at most", .min = 0};
  program.commands.push_back(
      {.name = "scanKeys", .alias = "sk", .max_arguments = 1, .help = "List", .options = {limit}});
  program.commands.push_back({.name = "log", .options = {limit, {.name = "since"}}});
  return program;
}

TEST_F(OptionTable, ACommandHasOptionsOfItsOwn) {
  const ProgramSpec program = WithCommandOptions();
  const auto before = ParseCommandLine(program, {"--limit", "3", "SCANKEYS", "p"}, around_);
  ASSERT_TRUE(before.ok()) << before.status().ToString();
  EXPECT_EQ(before->command, "scanKeys");
  EXPECT_EQ(before->settings.Int("limit"), 3);
  EXPECT_THAT(before->arguments, ElementsAre("p"));
  const auto absent = ParseCommandLine(program, {"sk"}, around_);
  EXPECT_EQ(absent->settings.Int("limit"), 7);
  EXPECT_EQ(absent->settings.origin("limit"), OptionOrigin::kDefault);
  EXPECT_THAT(HelpText(program, "SK"), HasSubstr("--limit int  at most (default 7)"));
  EXPECT_THAT(HelpText(program), Not(HasSubstr("--limit")));
}

// A flag that would be without effect, or out of bounds, is an error.
TEST_F(OptionTable, OptionsOfOtherCommandsAreRefused) {
  const ProgramSpec program = WithCommandOptions();
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"get", "k", "--limit=1"},
                                                {"sk", "--since=x"},
                                                {"--limit=1"},
                                                {"sk", "--limit=-1"},
                                                {"sk", "--limit"}}) {
    const auto parsed = ParseCommandLine(program, wrong, around_);
    EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument) << wrong.back();
  }
  EXPECT_EQ(ParseCommandLine(program, {"get", "k", "--limit=1"}, around_).status().message(),
            "option --limit is not one of command get");
}

// A flag of one line of a shell must not last until the next.
TEST_F(OptionTable, ShellLinesLayTheirFlagsOverTheProgramsSettings) {
  const ProgramSpec program = WithCommandOptions();
  const auto base = ParseCommandLine(program, {"--port=1", "--dir=/d"}, around_);
  ASSERT_TRUE(base.ok());
  ProgramSpec shell = program;
  std::erase_if(shell.options, [](const OptionSpec& option) { return option.name == "dir"; });
  const auto line = ParseCommandWords(shell, {"sk", "--port=2", "--limit=9"}, base->settings);
  ASSERT_TRUE(line.ok()) << line.status().ToString();
  EXPECT_EQ(line->settings.Int("port"), 2);
  EXPECT_EQ(line->settings.Int("limit"), 9);
  EXPECT_EQ(line->settings.Text("dir"), "/d");
  const auto next = ParseCommandWords(shell, {"sk"}, base->settings);
  EXPECT_EQ(next->settings.Int("port"), 1);
  EXPECT_EQ(next->settings.Int("limit"), 7);
  EXPECT_FALSE(ParseCommandWords(shell, {"sk", "--dir=/e"}, base->settings).ok());
}

}  // namespace
}  // namespace immudb
