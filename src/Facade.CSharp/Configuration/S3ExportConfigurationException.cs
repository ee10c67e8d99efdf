namespace CellOS.Export.S3;

/// <summary>A spec or an environment that cannot be used: all that is wrong with it, at once. It holds no secret.</summary>
public sealed class S3ExportConfigurationException : Exception
{
    internal S3ExportConfigurationException(IReadOnlyList<S3ExportProblem> problems)
        : base(string.Join(Environment.NewLine, problems)) => Problems = problems;

    /// <summary>What is wrong, one by one; never empty.</summary>
    public IReadOnlyList<S3ExportProblem> Problems { get; }
}
