using CellOS.Export.S3.Core;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3;

/// <summary>The two timeouts that bound every attempt, and the variables that set them.</summary>
public static class S3ExportTimeouts
{
    /// <summary>For one attempt as a whole, in milliseconds: 30 s.</summary>
    public const int DefaultRequestTimeoutMs = Variable.DefaultRequestTimeoutMs;

    /// <summary>The environment variable with the request timeout in milliseconds.</summary>
    public const string EnvRequestTimeoutMs = Variable.RequestTimeout;

    /// <summary>To connect (name resolution, TCP, proxy and TLS), in milliseconds: 10 s.</summary>
    public const int DefaultConnectTimeoutMs = Variable.DefaultConnectTimeoutMs;

    /// <summary>The environment variable with the connect timeout in milliseconds.</summary>
    public const string EnvConnectTimeoutMs = Variable.ConnectTimeout;

    /// <summary>
    /// A time in milliseconds from a variable: 1 to 2,147,483,647. What is unset, blank, no whole number or out of
    /// range gives the default.
    /// </summary>
    /// <param name="variable">The name of the variable.</param>
    /// <param name="defaultMs">What holds when the variable does not say.</param>
    /// <param name="lookup">Gives a variable's value or null; the process environment if left out.</param>
    public static int ResolveTimeoutMs(string variable, int defaultMs, Func<string, string?>? lookup = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(variable);
        var read = lookup ?? Environment.GetEnvironmentVariable;
        return Settings.ResolveTimeoutMs(
            FuncConvert.FromFunc<string, FSharpOption<string>?>(name => CoreMapping.ToOption(read(name))),
            variable,
            defaultMs
        );
    }
}
