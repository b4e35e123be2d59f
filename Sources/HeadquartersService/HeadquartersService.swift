// HeadquartersService
