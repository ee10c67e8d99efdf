using System.Reflection;
using CellOS.Export.S3.Cli.Arguments;
using CellOS.Export.S3.Cli.Streams;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Http;

namespace CellOS.Export.S3.Cli;

/// <summary>
/// What each command does. It gives the exit code, or throws a <see cref="RefusedException"/> before anything is sent
/// or, having ended cleanly, the <see cref="OperationCanceledException"/> of its token.
/// </summary>
internal sealed record Handlers(
    Func<CheckArguments, int> Check,
    Func<PushArguments, CancellationToken, Task<int>> Push,
    Func<DrainArguments, CancellationToken, Task<int>> Drain,
    Func<VerifyArguments, CancellationToken, Task<int>> Verify
);

/// <summary>
/// From the command line to the exit code. However it ends, standard error says why in sentences, never with a stack
/// trace and never with a secret.
/// </summary>
internal static class Tool
{
    internal const string Name = "cellos-export-s3";

    /// <summary>The version, without the commit.</summary>
    internal static string Version =>
        typeof(Tool)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion.Split('+')[0]
        ?? "";

    // It awaits nothing itself: to begin a method that does costs time, and check has nothing to wait for.
    internal static Task<int> RunAsync(
        string[] arguments,
        Handlers handlers,
        TextWriter output,
        TextWriter error
    )
    {
        try
        {
            switch (CommandLine.Read(arguments, output))
            {
                case Request.Check check:
                    // Nothing that has to end cleanly, so it needs no ear for signals.
                    return Task.FromResult(handlers.Check(check.Arguments));
                case Request.Push push:
                    return PushAsync(push.Arguments, handlers, error);
                case Request.Drain drain:
                    return DrainAsync(drain.Arguments, handlers, error);
                case Request.Verify verify:
                    return VerifyAsync(verify.Arguments, handlers, error);
                case Request.Misused misused:
                    Say(error, misused.Sentences);
                    error.WriteLine(
                        misused.Command is { } command
                            ? $"Run '{Name} {command} --help' for its options."
                            : $"Run '{Name} --help' for the commands."
                    );
                    return Task.FromResult(ExitCode.Refused);
                case Request.Bare bare:
                    error.Write(bare.Help);
                    return Task.FromResult(ExitCode.Refused);
                default:
                    return Task.FromResult(ExitCode.Done);
            }
        }
        catch (Exception exception)
        {
            return Task.FromResult(Explain(exception, error));
        }
    }

    private static async Task<int> PushAsync(PushArguments arguments, Handlers handlers, TextWriter error)
    {
        using var interrupts = new Interrupts();
        try
        {
            return await handlers.Push(arguments, interrupts.Token);
        }
        catch (OperationCanceledException) when (interrupts.ExitCodeOfSignal is { } code)
        {
            Say(error, [Interrupted(arguments)], arguments);
            return code;
        }
        catch (Exception exception)
        {
            return Explain(exception, error, arguments);
        }
    }

    private static async Task<int> DrainAsync(DrainArguments arguments, Handlers handlers, TextWriter error)
    {
        using var interrupts = new Interrupts();
        try
        {
            return await handlers.Drain(arguments, interrupts.Token);
        }
        catch (OperationCanceledException) when (interrupts.ExitCodeOfSignal is { } code)
        {
            Say(
                error,
                [
                    "Interrupted. What has a receipt is exported, and the rest is in the spool. Run the same command again to export the rest.",
                ]
            );
            return code;
        }
        catch (Exception exception)
        {
            return Explain(exception, error);
        }
    }

    private static async Task<int> VerifyAsync(VerifyArguments arguments, Handlers handlers, TextWriter error)
    {
        using var interrupts = new Interrupts();
        try
        {
            return await handlers.Verify(arguments, interrupts.Token);
        }
        catch (OperationCanceledException) when (interrupts.ExitCodeOfSignal is { } code)
        {
            Say(error, ["Interrupted. There is no verdict. Run the same command again."]);
            return code;
        }
        catch (Exception exception)
        {
            return Explain(exception, error);
        }
    }

    private static string Interrupted(PushArguments arguments) => $"Interrupted. {Rest(arguments)}";

    /// <summary>What is true of a push that ended before its end, and what to do.</summary>
    private static string Rest(PushArguments arguments)
    {
        var next = arguments switch
        {
            { Resume: true } => "Run the same command again to export the rest.",
            { Receipts: not null } => "Run the same command with --resume to export the rest.",
            _ =>
                "The next run exports everything again, unless you give --receipts FILE, and --resume later.",
        };
        return $"What has a receipt is exported; what was under way has none. {next}";
    }

    /// <summary>Writes why the command is refused.</summary>
    /// <returns>The exit code.</returns>
    /// <param name="sentences">A sentence for each reason.</param>
    /// <param name="error">Standard error.</param>
    /// <param name="push">The push that is refused; null for other commands.</param>
    internal static int Refuse(IReadOnlyList<string> sentences, TextWriter error, PushArguments? push = null)
    {
        Say(error, sentences, push);
        return ExitCode.Refused;
    }

    /// <param name="exception">Why the command ended.</param>
    /// <param name="error">Standard error.</param>
    /// <param name="push">The push that ended; null for other commands.</param>
    private static int Explain(Exception exception, TextWriter error, PushArguments? push = null)
    {
        if (exception is RefusedException refused)
            return Refuse(refused.Sentences, error, push);

        if (exception is LostOutputException lost)
        {
            Say(error, [lost.Message], push);
            return ExitCode.Failed;
        }

        Say(
            error,
            [
                LocalFault.Describe(exception) is { } fault
                    ? $"{char.ToUpperInvariant(fault[0])}{fault[1..]}."
                    : $"Unexpected {exception.GetType().Name}: {Shown.Line(exception.Message)}",
                push is null
                    ? "Run the same command again. If it fails again, report this message."
                    : Rest(push),
            ],
            push
        );
        return ExitCode.Failed;
    }

    /// <summary>The outputs of several shards are often mixed, so each sentence names its shard.</summary>
    private static void Say(TextWriter error, IReadOnlyList<string> sentences, PushArguments? push = null)
    {
        var shard = push?.Shard is { } own ? $"shard {own}: " : "";
        foreach (var sentence in sentences)
            error.WriteLine($"{Name}: {shard}{Shown.Sentence(sentence)}");
    }
}
