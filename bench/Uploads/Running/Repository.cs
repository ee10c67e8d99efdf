namespace CellOS.Export.S3.Bench.Running;

/// <summary>Where this program lies, and what it needs beside itself.</summary>
internal static class Repository
{
    /// <summary>The tool, as the same build made it.</summary>
    /// <exception cref="FailedException">It has not been built.</exception>
    internal static string CommandLineTool => Built("src/Cli", "cellos-export-s3.dll");

    /// <summary>The reference broker, as the same build made it.</summary>
    /// <exception cref="FailedException">It has not been built.</exception>
    internal static string Broker => Built("samples/Broker", "Broker.dll");

    /// <summary>The folder of the solution.</summary>
    internal static string Root
    {
        get
        {
            for (
                var folder = new DirectoryInfo(AppContext.BaseDirectory);
                folder is not null;
                folder = folder.Parent
            )
                if (folder.EnumerateFiles("*.sln").Any())
                    return folder.FullName;
            throw new FailedException("This program does not lie in the repository that it was built in.");
        }
    }

    private static string Built(string project, string program)
    {
        var here = new DirectoryInfo(AppContext.BaseDirectory);
        var (framework, configuration) = (here.Name, here.Parent!.Name);
        var path = Path.Join(Root, project, "bin", configuration, framework, program);
        return File.Exists(path)
            ? path
            : throw new FailedException(
                $"{project} has not been built. Run: dotnet build {project} -c {configuration}."
            );
    }
}
