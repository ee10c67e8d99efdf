namespace CellOS.Export.S3;

/// <summary>Where the value of a setting came from.</summary>
public enum S3ExportOrigin
{
    /// <summary>Nothing sets it.</summary>
    Default,

    /// <summary>An environment variable.</summary>
    Variable,

    /// <summary>The cell spec, or the configuration of the host that stands for it.</summary>
    Spec,

    /// <summary>The program gives the URLs itself.</summary>
    Provider,
}
