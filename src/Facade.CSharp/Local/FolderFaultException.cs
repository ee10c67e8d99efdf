using System.Runtime.InteropServices;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Source;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3.Local;

/// <summary>The file of a local export cannot be written, for a reason that the core knows.</summary>
internal sealed class FolderFaultException(Core.FolderFault fault) : Exception(fault.Detail)
{
    internal Core.FolderFault Fault { get; } = fault;

    /// <summary>Throws what the core decided against the export; nothing if that is null.</summary>
    internal static void ThrowIf(FSharpOption<Core.FolderFault>? fault)
    {
        if (fault is not null)
            throw new FolderFaultException(fault.Value);
    }

    /// <summary>An error number of the system, for a path.</summary>
    internal static FolderFaultException Of(int error, string path) =>
        new(LocalFailure.FaultOfErrno(error, $"{path}: {Marshal.GetPInvokeErrorMessage(error)}"));

    /// <summary>An exception of .NET's file methods, for a path.</summary>
    internal static FolderFaultException From(Exception exception, string path) =>
        exception switch
        {
            FolderFaultException known => known,
            SourceException source => new(
                new Core.FolderFault(FolderFaultKind.NewSource(source.Kind), source.Message, false)
            ),
            _ when Http.LocalFault.Describe(exception) is { } lacking => new(
                new Core.FolderFault(FolderFaultKind.Process, lacking, false)
            ),
            UnauthorizedAccessException => new(
                new Core.FolderFault(FolderFaultKind.Denied, Shown.Line(exception.Message), false)
            ),
            // On Linux, .NET hands on the system's error number.
            _ => new(LocalFailure.FaultOfErrno(exception.HResult, $"{path}: {exception.Message}")),
        };

    /// <summary>The same fault, after the file has got its name.</summary>
    internal FolderFaultException AfterNaming() => new(new Core.FolderFault(Fault.Kind, Fault.Detail, true));
}
