namespace CellOS.Export.S3.Bench.Server;

/// <summary>What drains the uploads.</summary>
internal static class ServerName
{
    /// <summary>As cheap as can be.</summary>
    internal const string Bare = "bare";

    /// <summary>A web server as people have it.</summary>
    internal const string Kestrel = "kestrel";
}
