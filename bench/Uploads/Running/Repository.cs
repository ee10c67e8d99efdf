namespace CellOS.Export.S3.Bench.Running;

/// <summary>Where this program lies, and what it needs beside itself.</summary>
internal static class Repository
{
    /// <summary>The tool, as the same build made it.</summary>
    /// <exception cref="FailedException">It has not been built.</exception>
    internal static string CommandLineTool
    {
        get
        {
            var here = new DirectoryInfo(AppContext.BaseDirectory);
            var (framework, configuration) = (here.Name, here.Parent!.Name);
            var tool = Path.Join(Root, "src", "Cli", "bin", configuration, framework, "cellos-export-s3.dll");
            return File.Exists(tool)
                ? tool
                : throw new FailedException(
                    $"The command line tool has not been built: dotnet build src/Cli -c {configuration}."
                );
        }
    }

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
}
