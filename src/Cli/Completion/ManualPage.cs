using System.CommandLine;
using System.Text;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Completion;

/// <summary>A manual page, in the language of man(7), from the commands and options of the help.</summary>
internal static class ManualPage
{
    internal static string Render(RootCommand root)
    {
        var page = new StringBuilder();
        page.Append($".TH CELLOS\\-EXPORT\\-S3 1 \"\" \"{Tool.Name} {Tool.Version}\" \"User Commands\"\n");
        page.Append(
            $".SH NAME\n{Text(Tool.Name)} \\- exports evidence to S3 through presigned URLs, and verifies it later\n"
        );
        page.Append(".SH SYNOPSIS\n");
        var commands = root.Subcommands.Where(command => !command.Hidden).ToList();
        var synopses = commands.Select(command =>
            $".B {Text($"{Tool.Name} {command.Name}")}\n{Synopsis(command)}\n"
        );
        page.Append(string.Join(".br\n", synopses));
        page.Append($".SH DESCRIPTION\n{Text(root.Description)}\n.SH COMMANDS\n");
        foreach (var command in commands)
            Describe(command, page);
        page.Append(".SH EXIT STATUS\n");
        foreach (var (codes, meaning) in ExitCode.Meanings)
            Item(Bold(codes), $"{meaning}.", page);
        page.Append(
            ".SH ENVIRONMENT\nA variable that ends with TARGET is for one target: TARGET is the target's name "
        );
        page.Append("in upper case, with a _ for each other character.\n");
        foreach (var variable in Variable.All)
            Item(
                $"\\fB{Text(variable.Name)}\\fR{(variable.PerTarget ? "\\fITARGET\\fR" : "")}",
                $"{Plain(variable.Meaning)}. Default: {Plain(variable.Default)}.",
                page
            );
        return page.ToString();
    }

    private static string Synopsis(Command command)
    {
        var required = command
            .Options.Where(option => option.Required)
            .Select(option => $"{Bold(option.Name)} {Italic(option.HelpName)} ");
        var optional = command.Options.Any(option => !option.Required && option.Name != "--help")
            ? $"[{Italic("OPTION")}...] "
            : "";
        var arguments = command.Arguments.Select(argument =>
            argument.Arity.MinimumNumberOfValues == 0
                ? $"[{Italic(argument.Name)}...]"
                : Italic(argument.Name)
        );
        return
            $"{string.Concat(required)}{optional}{string.Join(' ', arguments)}".TrimEnd()
                is { Length: > 0 } line
            ? line
            : "\\&";
    }

    private static void Describe(Command command, StringBuilder page)
    {
        page.Append($".SS {Text(command.Name)}\n{Text(command.Description)}\n");
        foreach (var argument in command.Arguments)
            Item(Italic(argument.Name), argument.Description, page);
        foreach (var option in command.Options.Where(option => !option.Hidden && option.Name != "--help"))
        {
            var value = option.HelpName is { } name ? $" {Italic(name)}" : "";
            Item(Bold(option.Name) + value, option.Description, page);
        }
    }

    private static void Item(string term, string? description, StringBuilder page) =>
        page.Append($".TP\n{term}\n{Text(description)}\n");

    private static string Bold(string text) => $"\\fB{Text(text)}\\fR";

    private static string Italic(string? text) => $"\\fI{Text(text)}\\fR";

    private static string Plain(string markdown) => markdown.Replace("`", "");

    /// <summary>The text as it is: a dash is a dash, and a line that begins with a dot or an apostrophe is no request.</summary>
    private static string Text(string? text)
    {
        var escaped = (text ?? "").Replace("\\", "\\e").Replace("-", "\\-");
        return escaped.StartsWith('.') || escaped.StartsWith('\'') ? "\\&" + escaped : escaped;
    }
}
