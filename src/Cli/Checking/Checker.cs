using CellOS.Export.S3.Cli.Arguments;

namespace CellOS.Export.S3.Cli.Checking;

/// <summary><c>check</c>: what the spec and the environment come to. Nothing is sent.</summary>
internal static class Checker
{
    /// <summary>Writes the report, and on standard error why it would be refused, if it would.</summary>
    /// <param name="arguments">What was asked for.</param>
    /// <param name="output">Takes the report.</param>
    /// <param name="error">Takes what is wrong, a sentence each.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="RefusedException">A library that it needs is missing.</exception>
    internal static int Run(CheckArguments arguments, TextWriter output, TextWriter error)
    {
        var (configuration, problems) = Resolve(arguments);
        if (arguments.Json)
            output.WriteLine(CheckJson.Render(arguments.Spec, configuration, problems));
        else if (configuration is not null)
            CheckTables.Write(arguments.Spec, configuration, output);
        foreach (var problem in problems)
            error.WriteLine($"{Tool.Name}: {problem}");
        return problems.Count == 0 && configuration is { AllCanBeExported: true }
            ? ExitCode.Done
            : ExitCode.Refused;
    }

    private static (S3ExportConfiguration?, IReadOnlyList<S3ExportProblem>) Resolve(CheckArguments arguments)
    {
        if (Configured.ProblemOfCellId(arguments.CellId) is { } noCell)
            return (null, [noCell]);

        try
        {
            // A bundle of certificates is read; nothing else of check needs it.
            if (!string.IsNullOrWhiteSpace(Environment.GetEnvironmentVariable(Core.Variable.CaBundle)))
                OpenSsl.Require();
            var spec = Configured.Load(arguments.Spec, arguments.Target);
            var configuration = S3ExportConfiguration.Resolve(spec, arguments.CellId);
            return (configuration, configuration.Refusals);
        }
        catch (S3ExportConfigurationException refused)
        {
            return (null, refused.Problems);
        }
    }
}
