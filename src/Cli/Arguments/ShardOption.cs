using System.CommandLine;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Arguments;

/// <summary><c>--shard</c>.</summary>
internal static class ShardOption
{
    internal static Option<string> Create() =>
        TextOption.Value(
            "--shard",
            "I/N",
            "Only the artifacts of shard I of N, such as 2/8, with I from 0 to N - 1: those whose names hash to it. N runs, one "
                + $"for each I, take all. '/N' takes I from {ShardModule.IndexVariable}, which a Kubernetes Indexed Job sets. Default: all artifacts."
        );

    /// <summary>Returns the shard, null if none was given, and adds a sentence if it cannot be one.</summary>
    internal static Shard? Read(ParseResult parsed, Option<string> option, List<string> sentences)
    {
        if (parsed.GetValue(option) is not { } text)
            return null;

        var shard = ShardModule.Parse(Environment.GetEnvironmentVariable(ShardModule.IndexVariable), text);
        if (shard.IsOk)
            return shard.ResultValue;

        sentences.Add($"--shard: {shard.ErrorValue.Message}");
        return null;
    }
}
