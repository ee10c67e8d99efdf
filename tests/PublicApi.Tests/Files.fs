/// The files that hold the surfaces, beside the libraries' projects.
module PublicApi.Tests.Files

open System
open System.IO
open PublicApi.Tests

/// Each library and the folder of its project.
let libraries = [
    "CellOS.Export.S3.Core", "src"
    "CellOS.Export.S3", "src/Facade.CSharp"
    "CellOS.Export.S3.FsCheck", "src/FsCheck"
]

let private root =
    let rec up (folder: DirectoryInfo | null) =
        match folder with
        | null -> failwith "the repository's root was not found above the tests"
        | folder when File.Exists(Path.Combine(folder.FullName, "CellOS.Export.S3.sln")) -> folder.FullName
        | folder -> up folder.Parent

    up (DirectoryInfo AppContext.BaseDirectory)

let pathOf (library: string, folder: string) =
    Path.Combine(root, folder, $"PublicAPI.{library}.txt")

let write (path: string) (lines: string list) =
    File.WriteAllText(path, String.concat "\n" lines + "\n")

/// What sets the surface apart from its file: empty if it is as the file says.
let check (path: string) (actual: string list) : string list =
    let accepted =
        if File.Exists path then List.ofArray (File.ReadAllLines path) else []

    Surface.difference accepted actual

/// Writes every surface into its file.
let accept () =
    for library, folder in libraries do
        let path = pathOf (library, folder)
        let actual = Surface.ofAssembly library
        let changed = check path actual
        write path actual
        printfn $"{Path.GetFileName path}: {changed.Length} lines changed"
        changed |> List.iter (printfn "  %s")
