using System.Text;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Source;

namespace CellOS.Export.S3.Urls;

/// <summary>The file with a broker's bearer token.</summary>
internal static class BrokerTokenFile
{
    /// <summary>Reads the token; null if that cannot be done.</summary>
    /// <param name="path">The file: a regular one, or a link to one.</param>
    /// <param name="problem">Why it cannot be read and what to do, in sentences; empty if it can.</param>
    internal static string? Read(string path, out string problem)
    {
        FileStamp? stamp = null;
        var bytes = SmallFile.TryReadChanged(
            path,
            BrokerToken.MaxBytes,
            DateTimeOffset.UnixEpoch,
            ref stamp,
            out problem
        );
        if (bytes is null)
        {
            problem = $"The token file {FilePath.Show(path)}: {problem}";
            return null;
        }

        var token = BrokerToken.Parse(Encoding.UTF8.GetString(bytes));
        if (token.IsOk)
            return token.ResultValue;
        problem = $"The token file {FilePath.Show(path)}: {token.ErrorValue.Message}";
        return null;
    }
}
