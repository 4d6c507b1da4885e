"""Common names by language, for the neighbouring letters in names.

Only pairs and triples of neighbouring letters are used, so that a name that is not listed is recognised by the parts
that it shares with others. They distinguish encodings in which the same bytes are other letters: `Şahin` and `Þahin`.
"""

# The most common family names and the characters most common in names, by language.
JAPANESE = (
    "佐藤鈴木高橋田中伊渡辺邊邉山本村小林加吉口松井上清崎﨑﨟阿部森池原川石斉齋藤内青坂西谷岡三長近斎野大今河太金"
    "浜濱島髙子美花一郎太介真由香愛優健翔陽菜葵蓮結樹奈々恵和久之男夫雄明也人史凛颯凜陸悠斗莉咲彩"
)
CHINESE = (
    "王李张張刘劉陈陳杨楊黄黃赵趙吴吳周徐孙孫马馬朱胡郭何高林罗羅郑鄭梁谢謝宋唐许許韩韓邓鄧冯馮曹彭曾肖田"
    "董潘袁蔡蒋蔣小明伟偉芳娜敏静靜丽麗强強磊军軍洋勇艳豔杰傑娟涛濤超秀霞平刚剛桂英华華文玉红紅建国國志雅"
    "婷淑怡君家豪俊宏"
)
KOREAN = "김이박최정강조윤장임한오서신권황안송류홍전고문손양배백허유남심노하곽성차주우민지현수영준호철진은경희미선"

# German, French, Spanish and Catalan, Portuguese, Italian, Nordic, Icelandic and Faroese, Polish, Czech and Slovak,
# Hungarian, Romanian, South Slavic, Turkish and Azerbaijani, Baltic, Vietnamese.
LATIN = (
    """Jörg Jürgen Müller Möller Schäfer Käthe Günther Günter Krüger Köhler König Weiß Weiss Schröder Björn Sören
    Götz Böhm Böttcher Jäger Krämer Bär Fröhlich Größe Groß Strauß Voß Preuß Heß Bärbel Jörn Ömer Özil Übelacker
    Äbi Vögele Hübner Kühn Kühne Lübke Rößler Rösler Löffler Göbel Höfer Hölscher Bäcker Händel Märklin Lüders
    Lüdenscheidt Bräuer Häußler Käfer Köln Körner Römer Stöhr Thönnes Wörner Zöllner Grüner Brüning Füssli Dürr
    Dürer Fürst Grünwald Würth Süß Wüst Gräfe Träger Kästner Schütz Schüler Schüßler Schönberg Schön Schmölz
    Österreich Öttinger Überall""",
    """Élodie Élise Éric Étienne Hélène Helène Hélène Dupré François Françoise Noël Joël Raphaël Gaël Gaëlle
    Maëlle Maël Michaël Chloé Zoé Léa Léo Léon Théo Thérèse Mélanie Mélissa Mégane Céline Cécile Cédric Frédéric
    Gérard René Renée André Andrée Benoît Jérôme Jérémy Rémi Rémy Rémi Geneviève Adèle Angèle Agnès Lefèvre
    Lefebvre Lévêque Évêque Mathéo Agathe Loïc Loïs Anaïs Inès Aïcha Hervé Hébert Bérénice Béatrice Stéphane
    Stéphanie Sébastien Aurélie Aurélien Amélie Émilie Émile Édouard Édith Désirée Noémie Gaétan Gaëtan Côté Côme
    Châtelet Châteaux Lemaître Maître Forêt Prévost Bézier Piché Bélanger Bédard Légaré Gagné Hôte Fâché Hélèna
    Zélie Clémence Clément Timothée Barthélemy Irène Solène Marlène Arsène Eugène Eugénie Valérie Véronique
    Pélissier Mercœur Lecœur Sœur Cœur Garçon Besançon Valençay Curaçao Aÿ prénom prénoms équipe
    Maïté Zoë Chloë Brontë Siân Seán Siobhán Pádraig Ó Michèle Adèle Danièle Gisèle""",
    """José María García Martínez Rodríguez López Hernández González Pérez Sánchez Ramírez Gómez Fernández Álvarez
    Jiménez Núñez Muñoz Peña Ibáñez Íñigo Iñaki Begoña Ángel Ángela Óscar Úrsula Raúl Andrés Jesús Joaquín Martín
    Agustín Iván Adrián Julián Sebastián Fabián Germán Hernán Tomás Nicolás Matías Elías Sofía Lucía Rocío Inés
    Belén Verónica Mónica Víctor Héctor Álvaro Ávila Águila Díaz Díez Suárez Juárez Vázquez Velázquez Domínguez
    Gutiérrez Méndez Benítez Ruíz Ortíz Marín Durán Román Simón León Ramón Gastón Cristóbal Zúñiga Acuña Castañeda
    Montañés Nuñez Briñas Quiñones Ordóñez Yáñez Patiño Treviño Avendaño Cedeño Mariño Niño Saldaña España Añez
    Güell Argüelles Agüero Núria Mercè Àlex Òscar Jordà Lluís Ràfols Solé Güemes Echeverría Mejía Farías""",
    """João Gonçalves Conceição Assunção Ascensão Sebastião Simão Abraão Leão Falcão Galvão Brandão Guimarães
    Magalhães Simões Camões Antônio António Sônia Sónia Mônica Júlio Júlia Cláudia Cláudio Patrícia Letícia Luís
    Luísa Inês Fátima Lúcia Lourenço Gonçalo França Françisco Bragança Mendonça Graça Araújo Sérgio Rogério Vítor
    Flávia Flávio Otávio Fábio Bárbara Márcia Márcio Ângela Ângelo Vinícius Estêvão São Irmã Romão Moisés André
    Débora Glória Vitória Nóbrega Assis Açores Conceição Encarnação Anunciação Íris Eça Sá""",
    "Niccolò Nicolò Viganò Dalmazzò Cantù Mariù Cicciò Aldè Donà Zanè Carrà Salomè Noè Giosuè Gesù Perù Forlì",
    """Søren Sørensen Jørgen Jørgensen Åse Åsa Åberg Åge Åke Bjørn Bjørg Bjørnstad Håkon Håkan Hågen Pål Pålsson
    Göran Gösta Björk Sjöström Öberg Öhman Östlund Åström Nyström Bergström Lindström Engström Norström Sköld
    Lövgren Löfgren Sjöberg Sjögren Malmö Ström Östberg Lindström Märta Märtha Käll Källström Bäckström Åkesson
    Åkerlund Mårten Mårtensson Ødegård Øystein Øyvind Ørjan Østergaard Ågård Nygård Kjær Kjærgaard Skjær Bæk Ærø
    Æbelø Værløse Tære Møller Nørgaard Bødker Grønland Mørk Brødre Sjøberg Kørner Løken Lø Bø Bråten Bråthen Skår
    Tårn Länsi Päivi Mäkelä Mäkinen Hämäläinen Järvinen Nieminen Väinö Väisänen Jääskeläinen Räsänen Lähde Pekkä
    Köykkä Töyrylä Hyvönen Pöyry Yrjö Pöllänen Könönen Lämsä Ärölä Sirpä Niinistö Kivimäki Lehtimäki Leppälä
    Mikkelä Seppälä Höglund Höök Ängström""",
    """Þórður Þorsteinn Þóra Þuríður Þorbjörg Þráinn Þór Þórarinn Þorvaldur Þorlákur Þórunn Þórdís Þórey Sigþór
    Hafþór Bergþór Steinþór Arnþór Arnþrúður Guðrún Guðmundur Guðmundsdóttir Guðjón Guðbjörg Guðni Guðlaug Guðný
    Sigurður Sigurðsson Sigurðardóttir Sigríður Davíð Davíðsson Eiður Heiðar Heiða Ragnheiður Aðalsteinn
    Aðalheiður Auður Ásdís Ásgeir Ásta Ástríður Ægir Ægisson Ólafur Ólafsdóttir Óðinn Jón Jónsdóttir Jónas Jóhann
    Jóhanna Kristín Kristján Björk Björn Björg Ýmir Ýr Dýri Dýrfinna Týr Rúnar Rún Snæbjörn Sæmundur Sævar Hörður
    Njörður Sölvi Hólmfríður Málfríður Ingibjörg Valgerður Gerður Hermóður Höskuldur Ketill Hákon Hróðný Signý
    Védís Íris Ívar Ísak Örn Össur Hlöðver Friðrik Friðriksson Friðfinnur Baldur Bárður Unnur Loðvík Eyþór Júlíus
    Pétur Pétursdóttir Óskarsdóttir Magnúsdóttir Gísli Gísladóttir Hrafnhildur Róbert Sóley Svanhvít Úlfur Jákup
    Hanus Jógvan Páll Rói Bárðarson Óðarsdóttir Garðar Garðarsson Helgadóttir Styrmir Þengill Þjóðólfur Þyri""",
    """Łukasz Łucja Wiśniewski Wiśniewska Małgorzata Dąbrowski Dąbrowska Paweł Michał Rafał Wójcik Woźniak
    Zieliński Zielińska Kamiński Kamińska Kowalczyk Lewandowski Szymański Kozłowski Jabłoński Wróbel Król
    Wieczorek Jasiński Mróz Święch Święcicki Ślusarczyk Ścibor Stanisław Bolesław Wacław Mieczysław Władysław
    Bartłomiej Żaneta Żak Żuk Żółtowski Źrebiec Ćwik Ćwikliński Grażyna Bożena Błażej Agnieszka Józef Jóźwiak
    Olszańska Pawłowski Michałowski Gąsior Górski Górecki Głowacki Głąb Gołębiowski Sławomir Jarosław Radosław
    Mirosław Przemysław Zdzisław Kędzierski Krzemiński Łęcki Łabędź Wąsik Książek Piątek Zając Pająk Bąk Łoś Miś
    Jaś Staś Małecki Wesołowski Mazurkiewicz Krawczyński Duńska Czarnecki Maciąg Tomczyński Ostrowski Baran Duda
    Szczęsny Czyż Jędrzej Jędrzejewski Węgrzyn Cieślak Leśniak Kościuszko Maćkowiak Kaźmierczak Kuźma Źródło
    Adamczyk Gdańsk Poznań Toruń Stępień Marzeń Kowień Kubiś Pietraś imię""",
    """Jiří Dvořák Dvořáková Tomáš Novotný Novotná Černý Černá Žaneta Růžička Růžičková Ondřej Lukáš Matěj Zdeněk
    Věra Květa Květoslava Božena Štěpán Štěpánka Šárka Ševčík Šťastný Říha Řezník Řehoř Kateřina Kříž Křížová
    Přemysl Jaroslav Břetislav Procházka Kučera Veselý Horák Němec Němcová Pokorný Pospíšil Hájek Jelínek Král
    Růža Beneš Fiala Sedláček Doležal Zeman Kolář Krejčí Navrátil Čermák Čapek Vaněk Urbánek Blažek Kříž
    Kratochvíl Mareš Dušek Vlček Bláha Říčan Bartoš Malý Vávra Šimek Šimon Ryšavý Hruška Žák Žižka Jiřina Bedřich
    Tereza Eliška Adéla Růžena Libuše Zdeňka Ľubomír Ľuboš Ľudmila Ďurica Ďurovič Ťažký Kováč Kováčová Tóth
    Mihálik Šťefan Žofia Božidar Juraj Lýdia Môj Kôň Stĺp Vŕba Maďar Haľama Hriň Bystroň Slaný Nováčková Žďárský
    Láďa Péťa Máňa Přibyl Střelec Třeštík Hořava Kadeřábek""",
    """Győző Győr Szűcs Erdős Pál Kovács Gergő Szőke Ernő Jenő Dezső Lőrinc Rezső Ödön Özséb Ákos Áron Ádám Éva
    Évike Éles Íris Ódor Ünnep István László Zoltán Gábor Péter Tamás András János József Mátyás Márton Zsófia
    Zsolt Krisztián Mária Erzsébet Katalin Ágnes Júlia Judit Dóra Réka Ildikó Anikó Enikő Tünde Csűrös Szabó Tóth
    Nagy Horváth Varga Kiss Molnár Németh Farkas Balogh Papp Lakatos Takács Juhász Mészáros Oláh Simon Rácz Fekete
    Szilágyi Török Fehér Balázs Gál Kis Kocsis Pintér Fodor Sipos Magyar Lukács Király László Bíró Jakab Bogdán
    Balog Fülöp Győrffy Hegedűs Hegedüs Kürti Szőllősi Szőcs Fűzfa Főző Mező Mezei Kőszegi Kő Kővári Bődi Vörös
    Csató Dörögdi Gyöngyi Örs Örzse Gyűrű Tűz Kőrösi Mősz Zsűri Sűrű Hű Nő Vőfély Tőzsér Bőhm Dőry Lőwy Rőth Jókai
    Cső Erdő név""",
    """Ştefan Ștefan Ştefania Ioniţă Ioniță Mădălina Cătălin Cătălina Răzvan Măriuca Brânduşa Brândușa Ţepeş Țepeș
    Ţurcanu Țurcanu Bogdănescu Dragoş Dragoș Mureşan Mureșan Moş Rareş Rareș Lăcrămioara Vlăduţ Vlăduț Niţă Niță
    Ghiţă Ghiță Pârvu Vîlcu Sârbu Tănase Bălan Stănescu Păun Câmpeanu Înălţare Înălțare Constanţa Constanța Murgă
    Anghelina Ioană Ileană Şerban Șerban Ungureanu Măgureanu Lupaşcu Lupașcu""",
    """Željko Željka Šarić Šime Đurđa Đuro Đorđe Đoković Kovačević Horvatić Petrović Jovanović Nikolić Marković
    Babić Božić Đurić Đukić Ćosić Ćiro Čedo Čović Perić Jurić Knežević Tomić Matić Novak Župan Žarko Žagar
    Krešimir Saša Maša Nataša Goran Dražen Blaž Matjaž Aljaž Tadej Boštjan Uroš Miloš Dušan Siniša Slađana Anđela
    Mađar Rađa Hadžić Vučić Vuković Živković Stojšić Potočnik Kovač Krajnc Zupančič Hribar Turnšek Golob Kočevar
    Košir Žižek Črt Čuk""",
    """Ayşe Ayşegül Yılmaz Doğan Barış Şahin Işık Işıl Yıldız Yıldırım Güneş İbrahim İsmail İlker İrem İpek Çağlar
    Çağla Çağrı Öztürk Özgür Özlem Özge Özkan Gökçe Gökhan Aydın Yiğit Kılıç Karataş Aktaş Taş Uğur Oğuz Oğuzhan
    Şen Şener Şeyma Şule Şükrü Şimşek Çelik Çetin Çiçek Çınar Can Kaya Kaplan Arslan Aslan Koç Kurt Özdemir
    Erdoğan Tuğba Tuğçe Buğra Ertuğrul Gülşen Gülşah Nurşen Songül Gülay Ümit Ünal Ülkü Üstün Hüseyin Süleyman
    Müge Bülent Ramazan Halıcı Kadıoğlu Hacıoğlu Müftüoğlu Çavuşoğlu Türkoğlu Sarı Sarıkaya Balcı Demirci Avcı
    Yazıcı Kuşçu Taşçı Aşık Beşir Coşkun Eşref Hoşgör Keleş Kızıl Kırmızı Akın Altın Altıntaş Tarık Salih Fatıma
    Bağcı Dağ Akdağ Karadağ Ağca Ağaoğlu Sağlam Tanrıverdi Tekeş Temiz Yaşar Başar Başak Bektaş Savaş Ateş Kardeş
    Uluş Dursun İnci İnan İnönü Pınar Tınaz Sıla Sıtkı Nazlı Hıdır Fırat Mısra Ilgın Irmak Eğitim Değer Çiğdem
    Yeğen Böğrek Ömer Önder Ökten Göğüş Sümeyye Büşra Kübra Züleyha Müslüm Ünlü Rıza Cengiz Əliyev Quliyev
    Məmmədov Gülnarə Ədalət Həsənov Rəşad isim adı soyadı öğrenci""",
    """Jūratė Kazlauskienė Šarūnas Žukauskas Žukauskienė Stankevičius Petrauskienė Jonaitytė Rūta Eglė Aistė Ieva
    Gintarė Kęstutis Jūlija Mindaugas Žydrūnas Vytautas Algirdė Živilė Šimkus Šimaitė Petkevičiūtė Paulauskaitė
    Ąžuolas Česlovas Gediminaitė Brėdikis Dovydėnas Būtė Urbonavičius Sąlyga Kąsnis Jurgis Ūla Tomaš Vaičiūnas
    Mačiulis Bražėnas Giedrė Jānis Jēkabs Bērziņš Bērziņa Līga Līgita Kalniņš Kalniņa Ozoliņš Liepiņa Krūmiņš
    Mārtiņš Mārīte Pēteris Kārlis Ķēniņš Ģirts Ģertrūde Ļaudis Ņikita Sandra Dāvis Dāvids Artūrs Krišjānis Zariņš
    Šmits Žanis Āboliņš Ābele Ēriks Īvāns Ūdris Vītols Vītoliņa Gunārs Raimonds Ilmārs Viļums Jūlijs Ūzuls Anniņa
    Mežs Dzenītis Kļava Kļaviņš Lācis Rozītis Skuja Tõnu Tõnis Mägi Küllike Põld Põder Õunapuu Jüri Jõgi Jõesaar
    Rõõm Kõiv Võsu Sõber Mõtus Tõnisson Kõrv Lõhmus Pärn Pärt Ülle Ülo Ämarik Öövel Rüütel Tšurkin Žukov Šmidt
    Hääl Läänemets""",
    """Nguyễn Văn Anh Trần Thị Hương Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đinh Đức Hải Hằng
    Hạnh Hiếu Hòa Hùng Huệ Khánh Lâm Linh Long Mạnh Mỹ Ngân Ngọc Nhật Phúc Phương Quân Quốc Quỳnh Sơn Tâm Tấn
    Thắng Thành Thảo Thủy Thúy Tiến Trang Trí Trung Tú Tuấn Tùng Tuyết Việt Vinh Yến Ánh Ái Ân Bảo Bích Cẩm Châu
    Chí Công Cường Diễm Diệu Dũng Duyên Giang Hạ Hiền Hoài Kiều Lan Liên Loan Lộc Lợi Mai Minh Nghĩa Nhi Nhung
    Oanh Phước Thịnh Thu Toàn Trâm Trúc Uyên Vân Xuân Ý Họ và tên""",
)
GREEK = """Γιώργος Γεώργιος Παπαδόπουλος Παπαδοπούλου Μαρία Νικόλαος Νίκος Νικολάου Ελένη Κωνσταντίνος Κώστας
    Κωνσταντίνου Ιωάννης Ιωάννου Δημήτρης Δημήτριος Δημητρίου Αντωνίου Αντώνης Γιάννης Αικατερίνη Κατερίνα Βασίλης
    Βασιλική Βασιλείου Χρήστος Χριστίνα Χρίστου Σοφία Άννα Αθανάσιος Αθηνά Ευάγγελος Ευαγγελία Παναγιώτης
    Παναγιώτα Οικονόμου Γεωργίου Μιχάλης Μιχαήλ Ζωή Θεόδωρος Θεοδώρα Σπύρος Σταύρος Στέφανος Ηλίας Φώτης Φωτεινή
    Ξένια Ψαρράς Άγγελος Έλενα Όλγα Ήρα Ίων Κυριακή Δέσποινα Ειρήνη Αλέξανδρος Αλεξάνδρα Λάμπρος Λεωνίδας Πέτρος
    Παύλος Ραλλού Ρένα Τάσος Τσίπρας Μητσοτάκης Μπέτυ Ντίνα Καραγιάννης Βλάχος Μακρής Αγγελόπουλος Παππάς Σαμαράς
    όνομα επώνυμο ονοματεπώνυμο ομάδα Αϊβαλιώτης Ραΐση Μαΐου Πρεβεζάνος Γκίκας Ιωάννα Ξανθίππη Όμηρος Έφη Εύα
    Υψηλάντης Ύδρα Ώρα Ωραιοζήλη Ουρανία Ορέστης Νεφέλη"""
HEBREW = """דוד כהן שרה לוי יעל מזרחי נועם פרץ משה אברהם יצחק יעקב רחל לאה רבקה מרים חנה אסתר יוסף שלמה דניאל
    מיכאל אורי איתי עומר תמר נועה מיכל שירה מאיה אביגיל עדי ליאור רון גיל אלון אמיר ירון ביטון דהן אברהמי פרידמן
    כץ אזולאי מלכה אוחיון גבאי יוספי חדד עמר בן שלום אשכנזי סגל שפירא רוזן גולן ברק שגיא אדרי קליין חיים אליהו
    יהודה שמעון ראובן בנימין אפרים הדס טל נטע ענת סיגל צבי צפורה ציון זאב זיו שם פרטי משפחה מלא תלמיד קבוצה דוא"ל
    דואר אלקטרוני סטודנט"""
CYRILLIC = """Иванов Иван Иванова Петрова Пётр Мария Смирнов Алексей Ольга Кузнецова Щербаков Юрий Попов Васильев
    Соколов Михайлов Новиков Фёдоров Фёдор Морозов Волков Алексеев Лебедев Семёнов Егоров Павлов Козлов Степанов
    Николаев Орлов Андреев Макаров Никитин Захаров Зайцев Соловьёв Борисов Яковлев Григорьев Романов Воробьёв
    Сергей Андрей Дмитрий Максим Александр Александра Анна Елена Наталья Татьяна Екатерина Ирина Светлана Юлия
    Анастасия Дарья Ксения Полина София Виктория Вероника Артём Михаил Никита Матвей Илья Кирилл Роман Егор
    Арсений Владимир Владислав Ярослав Тимофей Чернов Царёв Цветков Шилов Шевчук Шевченко Жуков Журавлёв Эдуард
    Элеонора Любовь Людмила Галина Лариса Зоя Хабиб Харитонов Евгений Евгения Олексій Андрій Коваленко Бондаренко
    Їжак Євген Ткаченко Кравченко Олійник Лисенко Мельник Поліщук Марія Наталія Сергій Дмитро Юрій Ігор Ірина
    Оксана Ганна Галина Тетяна Катерина Микола Василь Петро Павло Ґудзь Ґалаґан Остап Тарас Богдан Ярина Соломія
    Зінаїда Володимир Ольга Георги Димитров Димитър Стоянов Иванка Тодоров Христо Йордан Йоанна Ангелов Цветанка
    Щерев Къдрин Ъглов Пламен Николай Красимир Дзмітры Быкаў Ўладзімір имя фамилия отчество группа почта прізвище
    ім'я група студент пошта ученик класс Рыжов Объедков Подъячев Мышкин Крылов Быков Малышев Рыбаков Цыганков"""
ARABIC = """محمد أحمد فاطمة علي عبد الله حسن حسين عمر خالد سعيد إبراهيم يوسف مريم عائشة زينب نور سارة ليلى هدى منى
    سلمى مصطفى محمود طارق كريم ياسر رامي سامي وليد ناصر جمال صالح فهد سلطان عبدالرحمن عبدالعزيز الشريف المصري
    السيد الحسيني العتيبي القحطاني الغامدي الزهراني الشمري الدوسري الحربي إسماعيل عثمان بلال حمزة أنس رضا ضياء
    ظافر غادة ثامر ذكرى شيماء آمنة آية ياسمين رحمة خديجة جميلة أسماء دعاء هناء مؤمن رائد بن أبو الاسم الكامل
    البريد الإلكتروني اسم الطالب المجموعة العائلة الأول اللقب رقم بشار نزار طه لطفي قاسم"""
THAI = """สมชาย ใจดี สุดา แก้วมณี นภา อนันต์ ศรีสุข สมศักดิ์ สมหญิง ประเสริฐ วิชัย สุชาติ สุรชัย ธนพล ธนกฤต
    ณัฐพงษ์ ณัฐวุฒิ กิตติ กมลวรรณ จันทร์ จิราพร ชนิดา ชัยวัฒน์ ดวงใจ ทองคำ นิภา บุญมี ปิยะ พงศ์ พรทิพย์ พิชญ์ ภัทร
    มานี ยุพา รัตนา ลลิตา วรรณา ศิริ ศิริพร สายฝน สุวรรณ หทัย อรุณ อภิชาติ เกษม เจริญ เพ็ญ แสง แดง โชติ ไพโรจน์
    ไชย วงศ์ ทิพย์ ชื่อ สกุล นามสกุล อีเมล กลุ่ม นักเรียน นักศึกษา รหัส ธีรภัทร์ ฐิติ ฉัตร ขวัญ คำ งาม ญาณี ผล ฟ้า
    ภูมิ นาย นางสาว นาง เด็กชาย เด็กหญิง สิทธิ์ ปัญญา เอก อุไร"""
