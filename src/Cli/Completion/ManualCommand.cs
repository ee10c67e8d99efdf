using System.CommandLine;
using CellOS.Export.S3.Cli.Arguments;

namespace CellOS.Export.S3.Cli.Completion;

/// <summary><c>manual</c>: the manual page, from the texts of the help.</summary>
internal sealed class ManualCommand : Command
{
    internal ManualCommand()
        : base("manual", "Writes the manual page. To read it: cellos-export-s3 manual | man --local-file -.")
    { }

    internal static Request Write(RootCommand root, TextWriter output)
    {
        output.Write(ManualPage.Render(root));
        return new Request.Shown();
    }
}
