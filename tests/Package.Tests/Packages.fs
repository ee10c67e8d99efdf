/// The packages under test: made from the sources as they are, once for all tests, and once more to compare.
module Package.Tests.Packages

open System
open System.IO
open System.Text.RegularExpressions
open System.Threading.Tasks
open Expecto
open Package.Tests.Support

/// A library: its package's name, the folder of its project, and the packages of this house that it depends on.
type Library = {
    Id: string
    Folder: string
    Own: string list
}

let private library id folder own = { Id = id; Folder = folder; Own = own }

let libraries = [
    library "CellOS.Export.S3.Core" "src" []
    library "CellOS.Export.S3" "src/Facade.CSharp" [ "CellOS.Export.S3.Core" ]
    library "CellOS.Export.S3.FsCheck" "src/FsCheck" [ "CellOS.Export.S3.Core" ]
]

let tool = library "CellOS.Export.S3.Cli" "src/Cli" []

let all = libraries @ [ tool ]

/// The version that packages have if they are told no other.
let version =
    let props = File.ReadAllText(inRoot "Directory.Build.props")
    Regex.Match(props, "<Version>([^<]+)</Version>").Groups[1].Value

/// Runs `./build.sh pack` with its temporary files in one folder and the packages in another.
let private pack (folder: Folder) (place: string) (given: string) =
    task {
        let output = folder.At "packages"

        let! _ =
            succeeds root [ "TMPDIR", folder.Make place ] "bash" [ inRoot "build.sh"; "pack"; given; output ]

        return output
    }

let private folders = [ new Folder(); new Folder() ]

/// Each test that needs the packages waits for the same run.
let private first = lazy (pack folders[0] "a" "")

let private second =
    lazy
        (task {
            // Not at the same time: both set up the tools of the repository.
            let! _ = first.Value
            return! pack folders[1] "b/of/another/length" version
        })

/// The folder with the packages, of the version that is the default.
let made () : Task<string> = first.Value

/// The same once more, built in a folder of another name, with the version given.
let madeAgain () : Task<string> = second.Value

let pathOf (folder: string) (id: string) (extension: string) =
    Path.Combine(folder, $"{id}.{version}.{extension}")

/// The places that packing took place in, and that no package may name.
let private places = [ root; folders[0].Path; folders[1].Path; Path.GetTempPath() ]

let foreignPaths =
    let home = Environment.GetFolderPath Environment.SpecialFolder.UserProfile

    places
    @ [
        if home.Length > 1 then
            home + "/"
    ]

let removeAll () =
    for folder in folders do
        (folder :> IDisposable).Dispose()
