using System.Globalization;
using System.Text.RegularExpressions;

namespace Quickstart;

/// <summary>The S3 and a broker, kept after the quickstart for experiments of the user's own (<c>--keep</c>).</summary>
internal static partial class KeptStore
{
    /// <summary>Written when all of it runs, and removed when it ends. A shell reads it.</summary>
    internal const string FileVariable = "QUICKSTART_KEEP_FILE";

    /// <summary>The bucket that takes requests without a signature, as a gateway does that signs by itself.</summary>
    internal const string GatewayBucket = "my-cellos-evidence";

    private static readonly TimeSpan Default = TimeSpan.FromHours(1);

    /// <summary>Returns the time of <c>--keep</c> or <c>--keep=TIME</c>; null for another argument.</summary>
    internal static TimeSpan? ParseTime(string argument)
    {
        if (argument == "--keep")
            return Default;
        if (!argument.StartsWith("--keep=", StringComparison.Ordinal))
            return null;
        var found = Time().Match(argument);
        if (!found.Success)
            throw new UsageException("--keep takes a number of minutes or seconds, such as --keep=30m.");
        var number = int.Parse(found.Groups[1].Value, CultureInfo.InvariantCulture);
        return found.Groups[2].Value == "m" ? TimeSpan.FromMinutes(number) : TimeSpan.FromSeconds(number);
    }

    /// <summary>Returns when the time is over, or the user stops it.</summary>
    /// <param name="store">The S3 on loopback.</param>
    /// <param name="time">How long it is kept.</param>
    /// <param name="stopping">Ends it earlier.</param>
    internal static async Task RunAsync(Store store, TimeSpan time, CancellationToken stopping)
    {
        var loopback = store.Loopback!;
        loopback.OnAttempt = null;
        await using var broker = await BrokerProcess.StartAsync(store.Settings, "*", "", stopping);
        var template = $"{loopback.Endpoint}{GatewayBucket}/{{cell_id}}/{{artifact_name}}";
        var file = Environment.GetEnvironmentVariable(FileVariable);
        try
        {
            Console.WriteLine(
                $"""

                The S3 and a broker go on until {DateTime.Now
                    + time:HH:mm:ss}, or until: kill {Environment.ProcessId}
                URL template  {template}
                Broker        {broker.Url}, for the bucket {store.Settings.Bucket}, with the token in {broker.TokenFile}
                """
            );
            if (file is not null)
                await WriteAsync(file, template, broker, stopping);
            await Task.Delay(time, stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The user ends it as it is meant to be ended.
        }
        finally
        {
            if (file is not null)
                File.Delete(file);
        }
    }

    /// <summary>Written beside it and renamed: a reader finds all of it or nothing.</summary>
    private static async Task WriteAsync(
        string file,
        string template,
        BrokerProcess broker,
        CancellationToken stopping
    )
    {
        await File.WriteAllTextAsync(
            file + ".new",
            $"""
            QUICKSTART_PROCESS={Environment.ProcessId}
            QUICKSTART_URL='{template}'
            QUICKSTART_BROKER_URL='{broker.Url}'
            QUICKSTART_BROKER_TOKEN_FILE='{broker.TokenFile}'

            """,
            stopping
        );
        File.Move(file + ".new", file, overwrite: true);
    }

    [GeneratedRegex("^--keep=([1-9][0-9]{0,3})([ms])$")]
    private static partial Regex Time();
}
